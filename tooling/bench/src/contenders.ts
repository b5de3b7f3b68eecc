import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContenderSpec } from './contender.js';
import type { Kind } from './workloads.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const peersFolder = fileURLToPath(new URL('../peers/', import.meta.url));
const pythonFolder = fileURLToPath(new URL('../python/', import.meta.url));

export interface Options {
  models: string;
  threads: number;
  python?: string;
}

export interface Contenders {
  contenders: ContenderSpec[];
  missing: { name: string; reason: string }[];
}

const inference: Kind[] = ['bert-forward', 'gpt2-prompt', 'gpt2-decode'];
const training: Kind[] = ['bert-step', 'gpt2-step'];
const seq2seq: Kind[] = ['t5-translate', 't5-step'];

/** weft, the peers from npm that are installed, and those from Python where an interpreter is given. */
export function availableContenders({ models, python }: Options): Contenders {
  const contenders: ContenderSpec[] = [
    nodeWorker('weft', 'weft', ['sgemm', ...inference, ...training]),
    nodeWorker('weft', 'weft-seq2seq', seq2seq),
    {
      ...nodeWorker('weft on wasm', 'weft', [...inference, ...training]),
      environment: { WEFT_BENCH_BACKEND: 'wasm' },
      float32Only: true,
      slow: true,
    },
  ];
  const missing: Contenders['missing'] = [];
  const haveModels = existsSync(join(models, 'gpt2', 'model.safetensors'));
  if (!haveModels) {
    missing.push({ name: 'every model', reason: `${models} has none; python/peers.py writes them` });
  }

  const npm: { name: string; script: string; needs: string; kinds: Kind[]; float32Only?: boolean }[] = [
    { name: 'tfjs wasm', script: 'tfjs-wasm', needs: '@tensorflow/tfjs', kinds: ['sgemm'] },
    {
      name: 'onnxruntime-node',
      script: 'onnxruntime',
      needs: 'onnxruntime-node',
      kinds: ['sgemm', 'bert-forward'],
    },
    {
      name: 'transformers.js',
      script: 'transformers-js',
      needs: '@huggingface/transformers',
      kinds: ['gpt2-prompt', 'gpt2-decode'],
    },
    {
      name: 'transformers.js',
      script: 'transformers-js-seq2seq',
      needs: '@huggingface/transformers',
      kinds: ['t5-translate'],
    },
    {
      name: 'llama.cpp',
      script: 'llama',
      needs: 'node-llama-cpp',
      kinds: ['gpt2-prompt', 'gpt2-decode'],
    },
  ];
  for (const { name, script, needs, kinds, ...rest } of npm) {
    if (existsSync(join(peersFolder, 'node_modules', needs))) {
      contenders.push({
        name,
        command: process.execPath,
        args: [join(peersFolder, `${script}.mjs`)],
        kinds,
        ...rest,
      });
    } else missing.push({ name, reason: 'npm install in tooling/bench/peers brings it' });
  }

  const fromPython: { name: string; script: string; kinds: Kind[]; float32Only?: boolean }[] = [
    {
      name: 'PyTorch',
      script: 'torch_worker.py',
      kinds: ['sgemm', ...inference, ...training],
      float32Only: true,
    },
    { name: 'CTranslate2', script: 'ctranslate2_worker.py', kinds: ['gpt2-prompt', 'gpt2-decode'] },
    { name: 'PyTorch', script: 'torch_seq2seq_worker.py', kinds: ['t5-step'], float32Only: true },
    { name: 'CTranslate2', script: 'ctranslate2_seq2seq_worker.py', kinds: ['t5-translate'] },
    { name: 'OpenVINO', script: 'openvino_worker.py', kinds: ['bert-forward'] },
  ];
  for (const { name, script, ...rest } of fromPython) {
    if (python === undefined) missing.push({ name, reason: '--python names no interpreter' });
    else contenders.push({ name, command: python, args: ['-u', join(pythonFolder, script)], ...rest });
  }
  return { contenders, missing };
}

function nodeWorker(name: string, script: string, kinds: Kind[]): ContenderSpec {
  return { name, command: process.execPath, args: [join(here, 'workers', `${script}.js`)], kinds };
}
