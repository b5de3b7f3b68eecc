import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWeights, writeSafetensors } from '@weft/checkpoint';

const file = join(await mkdtemp(join(tmpdir(), 'stranger-')), 'model.safetensors');
await writeSafetensors(file, { bias: { dtype: 'F32', shape: [3], data: new Float32Array([1, 2, 3]) } });
using weights = await openWeights(file);
if (weights.readFloat32('bias')[2] !== 3) throw new Error('not what was written');
console.log('ok', weights.names());
