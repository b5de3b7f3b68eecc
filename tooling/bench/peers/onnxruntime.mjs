import { existsSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { models, serve, threads, tokenIds } from './serve.mjs';

const options = { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' };

await serve(async (workload) => {
  if (workload.kind === 'sgemm') return sgemm(workload);
  const { batch, length } = workload;
  const session = await ort.InferenceSession.create(`${models}/bert-onnx/model.onnx`, options);
  const ids = BigInt64Array.from(tokenIds(batch * length, 30522), BigInt);
  const dims = [batch, length];
  const feeds = {};
  for (const name of session.inputNames) {
    const data =
      name === 'input_ids'
        ? ids
        : new BigInt64Array(batch * length).fill(name === 'attention_mask' ? 1n : 0n);
    feeds[name] = new ort.Tensor('int64', data, dims);
  }
  return async () => {
    await session.run(feeds);
  };
});

async function sgemm({ m, k, n, transposeB }) {
  const file = `${models}/matmul${transposeB ? '-transposed' : ''}.onnx`;
  if (!existsSync(file)) throw new Error(`${file} is missing; python/peers.py writes it`);
  const session = await ort.InferenceSession.create(file, options);
  const matrix = (rows, columns) =>
    new ort.Tensor(
      'float32',
      Float32Array.from({ length: rows * columns }, (_, i) => ((i * 31) % 17) / 17 - 0.5),
      [rows, columns],
    );
  const feeds = { a: matrix(m, k), b: transposeB ? matrix(n, k) : matrix(k, n) };
  return async () => {
    await session.run(feeds);
  };
}
