#!/usr/bin/env bash
# Runs the kernels' tests for 64-bit Arm, NEON and portable, on another machine: cross-compiled, under qemu.
# Needs Debian's or Ubuntu's packages g++-aarch64-linux-gnu and qemu-user.
set -euo pipefail
cd "$(dirname "$0")/../packages/backend"
export CXX=aarch64-linux-gnu-g++
exec node native/test.mjs --arch=arm64 '--run=qemu-aarch64 -L /usr/aarch64-linux-gnu' "$@"
