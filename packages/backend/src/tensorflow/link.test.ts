import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { BackendError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkTensorflow } from './link.js';

// The build itself needs a TensorFlow wheel: tooling/tensorflow/run.mjs does it. Here: every way to fail.
describe.runIf(process.platform === 'linux')('linkTensorflow without what it needs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-link-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const failure = async (python: string, compiler?: string): Promise<BackendError> => {
    const error = await linkTensorflow({ python, compiler, from: folder }).then(
      () => expect.fail('it linked'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(BackendError);
    return error as BackendError;
  };

  function installPackage(): void {
    const at = join(folder, 'node_modules/@tensorflow/tfjs-node');
    mkdirSync(at, { recursive: true });
    writeFileSync(
      join(at, 'package.json'),
      JSON.stringify({ name: '@tensorflow/tfjs-node', version: '4.22.0' }),
    );
  }

  function fakeProgram(name: string, script: string): string {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  const fakePython = (answer: string) => fakeProgram('python', `echo '${answer}'`);

  /** Package, wheel and a binding from before; gives the folder of the binding. */
  function installEverything(): { python: string; lib: string } {
    installPackage();
    const lib = join(folder, 'node_modules/@tensorflow/tfjs-node/lib');
    const finder = join(folder, 'node_modules/@mapbox/node-pre-gyp');
    const dist = join(folder, 'node_modules/@tensorflow/tfjs-node/dist');
    for (const each of [lib, finder, dist]) mkdirSync(each, { recursive: true });
    writeFileSync(join(dist, 'index.js'), 'require(require("@mapbox/node-pre-gyp").find());\n');
    const binding = join(lib, 'tfjs_binding.node');
    writeFileSync(join(finder, 'index.js'), `exports.find = () => ${JSON.stringify(binding)};\n`);
    writeFileSync(binding, 'the one before');
    writeFileSync(join(folder, 'libtensorflow_cc.so.2'), '');
    return { python: fakePython(JSON.stringify({ folder, version: '2.21.0' })), lib };
  }

  function expectUntouched(lib: string): void {
    expect(readdirSync(lib)).toEqual(['tfjs_binding.node']);
    expect(readFileSync(join(lib, 'tfjs_binding.node'), 'utf8')).toBe('the one before');
  }

  it('names both packages when neither is installed', async () => {
    const error = await failure('python3');
    expect(error.expected).toContain('@tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node');
    expect(error.remedy).toContain('--ignore-scripts');
  });

  it('says that the interpreter does not run', async () => {
    installPackage();
    expect((await failure(join(folder, 'no-python'))).received).toContain('no-python');
  });

  it('says that the environment has no tensorflow', async () => {
    installPackage();
    const error = await failure(fakePython('{"folder": null, "version": "unknown"}'));
    expect(error.received).toBe('no package tensorflow');
    expect(error.remedy).toContain('pip install');
  });

  it('says that the wheel carries no library', async () => {
    installPackage();
    const error = await failure(fakePython(JSON.stringify({ folder, version: '2.10' })));
    expect(error.received).toContain('without that library');
  });

  it('tells what the compiler said, and keeps the binding from before', async () => {
    const { python, lib } = installEverything();
    const error = await failure(python, fakeProgram('cc', 'echo "x.cc:1: error: no such thing" >&2; exit 1'));
    expect(error.received).toContain('no such thing');
    expect(error.remedy).toContain('compiler');
    expectUntouched(lib);
  });

  it('keeps the binding from before where the new one does not compute', async () => {
    const { python, lib } = installEverything();
    const compiler = fakeProgram('cc', 'while [ "$1" != -o ]; do shift; done; echo rubbish > "$2"');
    const error = await failure(python, compiler);
    expect(error.expected).toContain('multiply');
    expect(error.received).toMatch(/ELF|too short/);
    expect(error.remedy).toContain('2.21');
    expectUntouched(lib);
  });
});

describe('the shim for Node 23 and later', () => {
  it('gives util the type tests that tfjs-node calls', async () => {
    const { shimmedNames } = await import('./node-shim.js');
    expect(shimmedNames).toContain('isNullOrUndefined');
    for (const name of shimmedNames) expect(util).toHaveProperty(name);
  });
});
