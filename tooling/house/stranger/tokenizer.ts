import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoTokenizer, trainByteLevelBpe } from '@weft/tokenizer';

const folder = join(await mkdtemp(join(tmpdir(), 'stranger-')), 'out');
await trainByteLevelBpe(['The loom weaves the weft.', 'The weft crosses the warp.'], {
  vocabSize: 280,
}).savePretrained(folder);
const tokenizer = await AutoTokenizer.fromPretrained(folder);
const text = 'The warp 🧵';
const { inputIds, offsetsMapping } = tokenizer.encodeBatch([text], { returnOffsetsMapping: true });
if (tokenizer.decode(inputIds[0]!) !== text) throw new Error('not the same text');
const [start, end] = offsetsMapping![0]![0]!;
console.log('ok', inputIds[0], text.slice(start, end));
