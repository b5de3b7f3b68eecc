/** The numbers of native/kernels/gemm.h, by the names that weft's kernels and tfjs's fused ones use. */
const kinds: Readonly<Record<string, number>> = {
  none: 0,
  linear: 0,
  relu: 1,
  gelu: 2,
  geluNew: 3,
  tanh: 4,
  sigmoid: 5,
  silu: 6,
  elu: 7,
  relu6: 8,
};

/** undefined for an activation that the native kernels do not fuse. */
export function activationKind(name: string | null | undefined): number | undefined {
  return name == null ? 0 : kinds[name];
}
