import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { BackendError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkTensorflow } from './link.js';

// The build itself needs a TensorFlow wheel: tooling/tensorflow-test.sh does it. Here: every way to fail.
describe.runIf(process.platform === 'linux')('linkTensorflow without what it needs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-link-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const failure = async (python: string): Promise<BackendError> => {
    const error = await linkTensorflow({ python, from: folder }).then(
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

  function fakePython(answer: string): string {
    const path = join(folder, 'python');
    writeFileSync(path, `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(path, 0o755);
    return path;
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
});

describe('the shim for Node 23 and later', () => {
  it('gives util the type tests that tfjs-node calls', async () => {
    const { shimmedNames } = await import('./node-shim.js');
    expect(shimmedNames).toContain('isNullOrUndefined');
    for (const name of shimmedNames) expect(util).toHaveProperty(name);
  });
});
