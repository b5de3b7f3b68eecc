// Builds and runs native/test/*.cc against the kernels on every instruction set that this machine has, on one thread
// and on two.
//   node native/test.mjs [name...]                          only the tests whose file name holds one of the words
//   node native/test.mjs --sanitize=address,undefined       the same under the sanitizers (or thread)
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { arch, argv } from 'node:process';
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

const sanitize = argv.find((argument) => argument.startsWith('--sanitize='))?.slice('--sanitize='.length);
const words = argv.slice(2).filter((argument) => !argument.startsWith('--'));
const compiler = findCompiler();
if (!compiler) throw new Error('no C++ compiler: install g++ or clang++');

const sanitizeFlags = sanitize
  ? [`-fsanitize=${sanitize}`, '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g']
  : [];
const flags = [...baseFlags.map((flag) => (sanitize && flag === '-O3' ? '-O1' : flag)), ...sanitizeFlags];
const folder = join(packageRoot, 'build', sanitize ? `test-${sanitize.replaceAll(',', '-')}` : 'test');
const program = join(folder, 'kernels-test');

const jobs = [
  ...libraryJobs(arch, flags),
  ...sourcesIn('reference').map((source) => ({ source, flags, tag: 'reference' })),
  ...sourcesIn('test').map((source) => ({ source, flags, tag: 'test' })),
];
const objects = await compile(jobs, compiler, join(folder, 'obj'));
await link(objects, compiler, ['-pthread', ...sanitizeFlags], program);

let failed = false;
for (const isa of Object.keys(instructionSetsOf(arch))) {
  for (const threads of ['1', '2']) {
    const env = { ...process.env, WEFT_CPU: isa, WEFT_NUM_THREADS: threads };
    try {
      execFileSync(program, words, { env, stdio: 'inherit' });
    } catch {
      failed = true;
    }
  }
}
process.exit(failed ? 1 : 0);
