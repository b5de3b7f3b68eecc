// MB/s of weft beside the Rust library, one text at a time, interleaved. Needs a build and WEFT_DATA.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import rust from 'tokenizers';
import { AutoTokenizer } from '../dist/index.js';

const data = process.env.WEFT_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
if (!existsSync(`${data}/vocab`)) {
  console.log(`skipped: no vocabularies in ${data} (set WEFT_DATA)`);
  process.exit(0);
}
const texts = readFileSync(`${data}/wikitext2/test.txt`, 'utf8').split('\n').filter(Boolean);
const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function seconds(run) {
  const start = process.hrtime.bigint();
  let tokens = 0;
  for (const text of texts) tokens += await run(text);
  if (tokens === 0) throw new Error('nothing was encoded');
  return Number(process.hrtime.bigint() - start) / 1e9;
}

for (const name of ['gpt2', 'bert-base-uncased', 'roberta-base', 't5-small']) {
  const make = () => AutoTokenizer.fromPretrained(`${data}/vocab/${name}`);
  const tokenizer = await make();
  const theirs = rust.Tokenizer.fromString(JSON.stringify(tokenizer.toJson()));
  const contenders = {
    'weft, ids': (text) => tokenizer.encode(text).inputIds.length,
    'rust, ids': async (text) => (await theirs.encode(text)).getIds().length,
    'weft, offsets': (text) => {
      const { inputIds, offsetsMapping } = tokenizer.encode(text, { returnOffsetsMapping: true });
      return inputIds.length + offsetsMapping.length;
    },
    'rust, offsets': async (text) => {
      const encoding = await theirs.encode(text);
      return encoding.getIds().length + encoding.getOffsets().length;
    },
  };
  const fresh = await make();
  const cold = await seconds((text) => fresh.encode(text).inputIds.length);
  const times = Object.fromEntries(Object.keys(contenders).map((key) => [key, []]));
  for (let round = 0; round < 5; round++) {
    for (const [key, run] of Object.entries(contenders)) times[key].push(await seconds(run));
  }
  const rates = Object.entries(times).map(([key, values]) => [key, megabytes / median(values)]);
  const of = Object.fromEntries(rates);
  console.log(`${name}: ${rates.map(([key, rate]) => `${key} ${rate.toFixed(1)} MB/s`).join(', ')}`);
  console.log(
    `  first pass ${(megabytes / cold).toFixed(1)} MB/s; weft over rust: ids ${(of['weft, ids'] / of['rust, ids']).toFixed(2)}, offsets ${(of['weft, offsets'] / of['rust, offsets']).toFixed(2)}`,
  );
}
