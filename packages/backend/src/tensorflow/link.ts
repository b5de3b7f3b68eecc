import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BackendError } from '@weft/errors';

const execute = promisify(execFile);
const operation = 'linkTensorflow';

/** The two packages whose binding can be built, the one for GPUs first. */
export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

export interface LinkOptions {
  /** A Python interpreter in whose environment `tensorflow` or `tensorflow-cpu` (2.16 or later) is installed. */
  python: string;
  /** The folder from which the tfjs package is resolved. Default: the working directory. */
  from?: string;
  /** The C++ compiler. Default: the environment's CXX, else g++. */
  compiler?: string;
  signal?: AbortSignal;
}

export interface LinkResult {
  /** Which tfjs package now has a binding. */
  package: string;
  /** Where the binding was written. */
  binding: string;
  /** The version of the Python wheel whose library it is linked against. */
  tensorflowVersion: string;
  /** Seconds that the compiler took. */
  seconds: number;
}

interface Wheel {
  folder: string;
  version: string;
}

/**
 * Builds the native binding of tfjs-node-gpu or tfjs-node against the TensorFlow library inside an installed
 * Python wheel, for machines where the package's own download is not to be had or wants an older CUDA.
 * Nothing is downloaded; the Python is only asked where its wheel lies.
 *
 * @throws BackendError when the package, the wheel or the compiler is missing, or the build fails.
 * @example
 * ```ts no-run
 * import { linkTensorflow, setBackend } from '@weft/backend';
 *
 * // once: npm install --ignore-scripts @tensorflow/tfjs-node-gpu && pip install 'tensorflow[and-cuda]'
 * const { tensorflowVersion } = await linkTensorflow({ python: 'python3' });
 * await setBackend('tensorflow');
 * ```
 */
export async function linkTensorflow(options: LinkOptions): Promise<LinkResult> {
  const { signal, from = process.cwd() } = options;
  if (process.platform !== 'linux') {
    throw new BackendError({
      operation,
      expected: 'Linux, where the wheel carries its library as one shared object',
      received: process.platform,
      remedy: 'install @tensorflow/tfjs-node as its own documentation says, or stay with the native backend',
    });
  }
  const target = findTfjsPackage(from);
  const wheel = await findWheel(options.python, signal);
  const started = performance.now();
  const binding = bindingPath(target.folder);
  // Beside its place, so that a binding that worked stays until this one has. Node loads only names in .node.
  const built = `${binding}.${process.pid}.tmp.node`;
  let seconds: number;
  try {
    await mkdir(dirname(binding), { recursive: true });
    await build(target, wheel, built, options.compiler ?? process.env.CXX ?? 'g++', signal);
    seconds = (performance.now() - started) / 1000;
    await verify(target, wheel, built, signal);
    await rename(built, binding);
  } finally {
    await rm(built, { force: true });
  }
  return { package: target.name, binding, tensorflowVersion: wheel.version, seconds };
}

interface TfjsPackage {
  name: string;
  folder: string;
}

function findTfjsPackage(from: string): TfjsPackage {
  const require = createRequire(join(from, 'package.json'));
  for (const name of tensorflowPackages) {
    try {
      return { name, folder: dirname(require.resolve(`${name}/package.json`)) };
    } catch {
      // Not installed here: the next name.
    }
  }
  throw new BackendError({
    operation,
    expected: `${tensorflowPackages.join(' or ')} installed where ${from} resolves it`,
    received: 'neither',
    remedy: 'npm install --ignore-scripts @tensorflow/tfjs-node-gpu (its own install script would download)',
  });
}

// Asks for the wheel without importing it: the import takes seconds and may print.
const locateWheel = `
import importlib.metadata as metadata, importlib.util as util, json
spec = util.find_spec("tensorflow")
version = "unknown"
for name in ("tensorflow-cpu", "tensorflow"):
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({"folder": spec.submodule_search_locations[0] if spec else None, "version": version}))
`;

async function findWheel(python: string, signal?: AbortSignal): Promise<Wheel> {
  let answer: { folder: string | null; version: string };
  try {
    const { stdout } = await execute(python, ['-c', locateWheel], { signal });
    answer = JSON.parse(stdout) as typeof answer;
  } catch (cause) {
    throw new BackendError({
      operation,
      expected: 'a Python 3.9 or later that runs',
      received: `${python}, which failed: ${firstLine(cause)}`,
      remedy: 'pass --python the path of an interpreter',
      cause,
    });
  }
  const { folder, version } = answer;
  if (folder === null || !existsSync(join(folder, 'libtensorflow_cc.so.2'))) {
    throw new BackendError({
      operation,
      expected: `tensorflow or tensorflow-cpu, with libtensorflow_cc.so.2, in the environment of ${python}`,
      received: folder === null ? 'no package tensorflow' : `${folder} without that library`,
      remedy: `${python} -m pip install tensorflow-cpu, or 'tensorflow[and-cuda]' for a GPU`,
    });
  }
  return { folder, version };
}

async function build(
  { folder }: TfjsPackage,
  wheel: Wheel,
  output: string,
  compiler: string,
  signal?: AbortSignal,
): Promise<void> {
  const headers = join(
    dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
    'include',
  );
  try {
    await execute(
      compiler,
      [
        ...['-O2', '-std=c++17', '-fPIC', '-shared', '-w'],
        ...[folder, join(wheel.folder, 'include'), headers].map((include) => `-I${include}`),
        ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((source) => join(folder, 'binding', source)),
        ...['-o', output, `-L${wheel.folder}`, `-Wl,-rpath,${wheel.folder}`],
        ...['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      ],
      { signal, maxBuffer: 64 * 1024 * 1024 },
    );
  } catch (cause) {
    throw new BackendError({
      operation,
      expected: `${compiler} to build the binding against TensorFlow ${wheel.version}`,
      received: firstLine(cause),
      remedy: 'install a C++17 compiler (g++ or clang++; CXX names another), or use the native backend',
      cause,
    });
  }
}

/** Where the package itself looks for its binding. */
function bindingPath(packageFolder: string): string {
  const require = createRequire(join(packageFolder, 'package.json'));
  const { find } = require('@mapbox/node-pre-gyp') as { find(manifest: string): string };
  return find(join(packageFolder, 'package.json'));
}

/** A product of two matrices in a fresh process: a wheel that does not fit may end it. */
async function verify(
  { folder }: TfjsPackage,
  wheel: Wheel,
  binding: string,
  signal?: AbortSignal,
): Promise<void> {
  // The compiled one, which Node can import, also where this file is run from its source.
  const shim = new URL('../../dist/tensorflow/node-shim.js', import.meta.url).href;
  const program = [
    `await import(${JSON.stringify(shim)});`,
    'const { createRequire } = await import("node:module");',
    `const require = createRequire(${JSON.stringify(join(folder, 'package.json'))});`,
    'const finder = require.resolve("@mapbox/node-pre-gyp");',
    `require.cache[finder] = { id: finder, filename: finder, loaded: true, exports: { find: () => ${JSON.stringify(binding)} } };`,
    `const tf = require(${JSON.stringify(join(folder, 'dist/index.js'))});`,
    'const [[value]] = await tf.matMul([[1, 2]], [[3], [4]]).array();',
    'if (value !== 11) throw new Error("1 * 3 + 2 * 4 gave " + value);',
  ].join('\n');
  try {
    await execute(process.execPath, ['--input-type=module', '-e', program], {
      signal,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
    });
  } catch (cause) {
    throw new BackendError({
      operation,
      expected: `the binding built against TensorFlow ${wheel.version} to multiply two matrices`,
      received: firstLine(cause),
      remedy: 'use the tensorflow wheel of another version (2.21 is known to work with tfjs 4.22)',
      cause,
    });
  }
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return (
    stderr.split('\n').find((line) => /error|Error|not found/.test(line)) ??
    error.message.split('\n')[0] ??
    ''
  );
}
