// Seconds to train on about 10 MB of running text. Needs a build and WEFT_DATA.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { trainByteLevelBpe, trainWordPiece } from '../dist/index.js';

const data = process.env.WEFT_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
if (!existsSync(`${data}/books_children`)) {
  console.log(`skipped: no texts in ${data} (set WEFT_DATA)`);
  process.exit(0);
}
const folder = `${data}/books_children`;
const texts = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) => readFileSync(`${folder}/${name}`, 'utf8').match(/[^\n]*\n/g) ?? []);
const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
const trainers = {
  'byte-level BPE': trainByteLevelBpe,
  WordPiece: trainWordPiece,
};
for (const [name, train] of Object.entries(trainers)) {
  const start = performance.now();
  const tokenizer = train(texts, { vocabSize: 30_000 });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${name}: ${tokenizer.vocabSize} tokens from ${megabytes.toFixed(1)} MB in ${seconds.toFixed(1)} s`,
  );
}
