// The conformance suite on the tensorflow backend, against the TensorFlow library inside a Python wheel:
//   node tooling/tensorflow/run.mjs --python <interpreter> [--gpu] [--no-install] [package ...]
// Not part of `npm test`: it needs that wheel, and npm's tfjs-node.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');

/** The packages whose tests are run, and which of their tests where not all compute. */
const suites = {
  backend: ['test/conformance'],
  attention: [],
  model: [],
  gpt2: [],
  bert: [],
  t5: [],
  trainer: [],
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    gpu: { type: 'boolean', default: false },
    'no-install': { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0) fail(`no package ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`);
if (!options.python && !options['no-install']) {
  fail('--python names an interpreter with tensorflow-cpu, or with tensorflow[and-cuda] for --gpu');
}

const packageName = options.gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
const folder = join(here, options.gpu ? 'gpu' : 'cpu');
const environment = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  ...process.env,
  // Where every package of the workspace finds tfjs-node, which none of them depends on.
  NODE_PATH: join(folder, 'node_modules'),
  WEFT_BACKEND: 'tensorflow',
  WEFT_TEST_BACKEND: 'tensorflow',
};

if (!options['no-install']) {
  install();
  link();
}
checkOneTfjs();
await checkDevice();
const failed = runSuites(positionals.length > 0 ? positionals : Object.keys(suites));
process.exit(failed ? 1 : 0);

function fail(message) {
  process.stderr.write(`tensorflow: ${message}\n`);
  process.exit(2);
}

function must(what, command, args, where) {
  const { status, error } = spawnSync(command, args, { cwd: where, stdio: 'inherit', env: environment });
  if (status !== 0) fail(`${what} failed${error ? `: ${error.message}` : ''}`);
}

/** npm's tfjs-node without its install script, on the workspace's copy of tfjs instead of its own. */
function install() {
  const tfjs = join(folder, 'node_modules/@tensorflow/tfjs');
  rmSync(tfjs, { recursive: true, force: true });
  must('npm install', 'npm', ['install', '--prefer-offline', '--loglevel=error'], folder);
  rmSync(tfjs, { recursive: true, force: true });
  symlinkSync(realpathSync(join(root, 'packages/backend/node_modules/@tensorflow/tfjs')), tfjs);
}

function link() {
  const weft = join(root, 'apps/cli/dist/bin.js');
  if (!existsSync(weft)) fail('run `pnpm run setup` first: the command line is not built');
  // The link runs in another folder; a bare name is left to PATH.
  const python = /[\\/]/.test(options.python) ? resolve(options.python) : options.python;
  must('the link', process.execPath, [weft, 'tensorflow', 'link', '--python', python], folder);
}

/** Two copies would share the backends but not the classes and the environment: the tests would prove less. */
function checkOneTfjs() {
  const tfjsNode = createRequire(join(folder, 'package.json')).resolve(`${packageName}/package.json`);
  const theirs = createRequire(tfjsNode).resolve('@tensorflow/tfjs');
  const ours = createRequire(join(root, 'packages/attention/package.json')).resolve('@tensorflow/tfjs');
  if (theirs !== ours) fail(`two copies of tfjs: ${dirname(theirs)} and ${dirname(ours)}`);
}

/** With --gpu a run on the processor would prove nothing. */
async function checkDevice() {
  const entry = pathToFileURL(join(root, 'packages/backend/dist/index.js')).href;
  const program = `
    const { backendReport } = await import(${JSON.stringify(entry)});
    console.log(JSON.stringify((await backendReport()).backends.find(({ name }) => name === 'tensorflow')));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...environment, TF_CPP_MIN_LOG_LEVEL: '0' },
    encoding: 'utf8',
  });
  const state = stdout.trim().split('\n').at(-1);
  if (!state) fail(stderr);
  const { available, reason } = JSON.parse(state);
  process.stdout.write(`tensorflow: Node ${process.versions.node}, ${reason}\n`);
  if (available && (!options.gpu || reason.includes('CUDA'))) return;
  process.stderr.write(stderr);
  fail(available ? 'no CUDA device answers' : 'the backend does not load');
}

function runSuites(names) {
  const results = join(here, '.results');
  mkdirSync(results, { recursive: true });
  const lines = [];
  let failed = false;
  for (const name of names) {
    const file = join(results, `${name}.json`);
    rmSync(file, { force: true });
    const { status } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--root', join(root, 'packages', name), '--config', join(here, 'vitest.config.ts')],
        ...suites[name],
      ],
      {
        cwd: join(root, 'packages', name),
        stdio: 'inherit',
        env: { ...environment, WEFT_TENSORFLOW_RESULTS: file },
      },
    );
    failed ||= status !== 0;
    lines.push(`${name.padEnd(10)} ${count(file)}`);
  }
  process.stdout.write(`\non the tensorflow backend, Node ${process.versions.node}:\n${lines.join('\n')}\n`);
  return failed;
}

function count(file) {
  if (!existsSync(file)) return 'no result';
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(file, 'utf8'));
  return `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
}
