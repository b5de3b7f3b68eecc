// The C++ compiler, called directly: which one, with which flags, and a cache of objects by the hash of what went in.
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
export const native = dirname(fileURLToPath(import.meta.url));
export const packageRoot = dirname(native);

/** The first of CXX, g++, clang++, c++ that answers; undefined where there is none. */
export function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++'];
  for (const command of names) {
    try {
      const version = execFileSync(command, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return { command, version: version.split('\n')[0] };
    } catch {
      // not there: try the next
    }
  }
  return undefined;
}

const x86 = {
  portable: [],
  avx2: ['-mavx2', '-mfma', '-mf16c'],
  avx512: [
    ...['-mavx2', '-mfma', '-mf16c', '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx512vnni'],
    '-mprefer-vector-width=512',
  ],
};
const instructionSets = { x64: x86, arm64: { portable: [], neon: [] } };

/** name -> flags of each instruction set that the kernels are compiled for. */
export function instructionSetsOf(arch) {
  return instructionSets[arch] ?? { portable: [] };
}

export const baseFlags = [
  ...[
    '-std=c++17',
    '-O3',
    '-fPIC',
    '-fvisibility=hidden',
    '-fno-math-errno',
    '-fno-trapping-math',
    '-ffp-contract=off',
  ],
  ...[
    '-Wall',
    '-Wextra',
    '-Wno-unknown-pragmas',
    '-Wno-psabi',
    '-Wno-ignored-attributes',
    '-Wno-maybe-uninitialized',
    '-Wno-uninitialized',
    '-pthread',
  ],
];

/** The folder of node_api.h. */
export function nodeHeaders() {
  const manifest = createRequire(join(packageRoot, 'package.json')).resolve('node-api-headers/package.json');
  return join(dirname(manifest), 'include');
}

export const sourcesIn = (folder) =>
  existsSync(join(native, folder))
    ? readdirSync(join(native, folder))
        .filter((name) => name.endsWith('.cc'))
        .sort()
        .map((name) => join(native, folder, name))
    : [];

/** Runtime and kernel objects to compile: each kernel once per instruction set. */
export function libraryJobs(arch, flags) {
  const jobs = sourcesIn('runtime').map((source) => ({ source, flags, tag: 'base' }));
  for (const [name, isaFlags] of Object.entries(instructionSetsOf(arch))) {
    const define = [`-DWEFT_ISA=${name}`, `-DWEFT_ISA_${name.toUpperCase()}`];
    for (const source of sourcesIn('kernels'))
      jobs.push({ source, flags: [...flags, ...isaFlags, ...define], tag: name });
  }
  return jobs;
}

const included = /^\s*#include\s+"([^"]+)"/gm;

/** The text of a source and of all it includes from this folder, in a fixed order. */
function closure(file, seen = new Map()) {
  if (seen.has(file) || !existsSync(file)) return seen;
  const text = readFileSync(file, 'utf8');
  seen.set(file, text);
  for (const [, name] of text.matchAll(included)) closure(join(dirname(file), name), seen);
  return seen;
}

function objectName({ source, flags, tag }, compiler) {
  const hash = createHash('sha256').update(
    JSON.stringify([compiler.command, compiler.version, flags, process.arch]),
  );
  for (const [file, text] of closure(source)) hash.update(relative(native, file)).update('\0').update(text);
  return `${basename(source, '.cc')}-${tag}-${hash.digest('hex').slice(0, 16)}.o`;
}

/** Compiles what is not in the cache, on all cores. Gives the objects' paths; throws with the compiler's words. */
export async function compile(jobs, compiler, folder) {
  mkdirSync(folder, { recursive: true });
  const objects = jobs.map((job) => join(folder, objectName(job, compiler)));
  const queue = jobs
    .map((job, i) => ({ job, object: objects[i] }))
    .filter(({ object }) => !existsSync(object));
  const failures = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const temporary = `${next.object}.${process.pid}.tmp`;
      try {
        const { stderr } = await execute(compiler.command, [
          ...next.job.flags,
          '-c',
          next.job.source,
          '-o',
          temporary,
        ]);
        if (stderr) process.stderr.write(stderr);
        renameSync(temporary, next.object);
      } catch (error) {
        rmSync(temporary, { force: true });
        failures.push(error.stderr || error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
  if (failures.length > 0) throw new Error(failures.join('\n'));
  sweep(folder, new Set(objects));
  return objects;
}

/** Drops objects of earlier states of the same sources, so that the cache does not grow for ever. */
function sweep(folder, wanted) {
  const stem = (file) => basename(file).replace(/-[0-9a-f]{16}\.o$/, '');
  const stems = new Set([...wanted].map(stem));
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (name.endsWith('.o') && !wanted.has(file) && stems.has(stem(file))) rmSync(file, { force: true });
  }
}

/** Links into a temporary name and moves it into place, so that a running process keeps the file that it has. */
export async function link(objects, compiler, flags, output) {
  mkdirSync(dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}.tmp`;
  try {
    await execute(compiler.command, [...objects, ...flags, '-o', temporary], { maxBuffer: 1 << 26 });
    renameSync(temporary, output);
  } finally {
    rmSync(temporary, { force: true });
  }
}
