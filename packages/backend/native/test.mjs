// Builds and runs native/test/*.cc against the kernels on every instruction set that this machine has, on one thread
// and on two.
//   node native/test.mjs [name...]                          only the tests whose file name holds one of the words
//   node native/test.mjs --sanitize=address,undefined       the same under the sanitizers (or thread)
//   CXX=aarch64-linux-gnu-g++ node native/test.mjs --arch=arm64 '--run=qemu-aarch64 -L /usr/aarch64-linux-gnu'
//                                                           cross-compiled, under an emulator
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, arch as ownArch } from 'node:process';
import {
  baseFlags,
  compile,
  findCompiler,
  instructionSetsOf,
  libraryJobs,
  link,
  packageRoot,
  sourcesIn,
} from './toolchain.mjs';

const option = (name) => argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const sanitize = option('sanitize');
const arch = option('arch') ?? ownArch;
const runner = option('run')?.split(' ') ?? [];
const words = argv.slice(2).filter((argument) => !argument.startsWith('--'));
const compiler = findCompiler();
if (!compiler) throw new Error('no C++ compiler: install g++ or clang++');

const sanitizeFlags = sanitize
  ? [`-fsanitize=${sanitize}`, '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g']
  : [];
const flags = [
  ...baseFlags.map((flag) => (sanitize && flag === '-O3' ? '-O1' : flag)),
  ...sanitizeFlags,
  '-DWEFT_TEST_DELAYS',
];
const folder = join(
  packageRoot,
  'build',
  ['test', ...(option('arch') ? [arch] : []), ...(sanitize?.split(',') ?? [])].join('-'),
);
const program = join(folder, 'kernels-test');

// The references need no speed, and GCC 12 for Arm breaks off where it vectorizes one of their loops.
const plain = [...flags, '-fno-tree-vectorize'];
const jobs = [
  ...libraryJobs(arch, flags),
  ...sourcesIn('reference').map((source) => ({ source, flags: plain, tag: 'reference' })),
  ...sourcesIn('test').map((source) => ({ source, flags, tag: 'test' })),
];
const objects = await compile(jobs, compiler, join(folder, 'obj'));
await link(objects, compiler, ['-pthread', ...sanitizeFlags], program);

let failed = false;
for (const isa of Object.keys(instructionSetsOf(arch))) {
  for (const threads of ['1', '2']) {
    const env = { ...process.env, WEFT_CPU: isa, WEFT_NUM_THREADS: threads };
    try {
      const [command, ...rest] = [...runner, program, ...words];
      execFileSync(command, rest, { env, stdio: 'inherit' });
    } catch {
      failed = true;
    }
  }
}
process.exit(failed ? 1 : 0);
