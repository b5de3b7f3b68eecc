// A process to kill, or to leave without room. Run with: node child.mjs <task> <path>
import { saveWeights, writeJsonAtomic, writeSafetensors } from '../dist/index.js';

const [task, path] = process.argv.slice(2);
const filled = (value) => ({ dtype: 'F32', shape: [1 << 18], data: new Float32Array(1 << 18).fill(value) });
const tensorsOf = (value) => ({ a: filled(value), b: filled(value), c: filled(value) });

const tasks = {
  file: (value) => writeSafetensors(path, tensorsOf(value)),
  shards: (value) => saveWeights(path, tensorsOf(value), { maxShardSize: 1 << 20 }),
  // In turn, so that each has the other's files to take away.
  both: (value) => saveWeights(path, tensorsOf(value), value % 2 ? { maxShardSize: 1 << 20 } : {}),
};

if (task === 'once') {
  await writeJsonAtomic(`${path}.small`, {});
  const error = await tasks.file(2).catch((reason) => reason);
  process.stdout.write(JSON.stringify(error ?? {}));
} else {
  for (let value = 1; ; value++) {
    await tasks[task](value);
    process.stdout.write(`${value}\n`);
  }
}
