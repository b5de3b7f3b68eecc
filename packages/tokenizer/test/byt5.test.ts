import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoTokenizer, type Tokenizer } from '../src/index.js';

interface Recorded {
  files: Record<string, unknown>;
  vocabSize: number;
  encoded: [string, number[]][];
  pairs: [string, string, number[]][];
  decoded: [number[], string, string][];
  truncated: number[];
  padded: { input_ids: number[][]; attention_mask: number[][] };
}

const recorded = readFixture(new URL('../fixtures/byt5.safetensors', import.meta.url))
  .meta as unknown as Recorded;

describe('ByT5', () => {
  let folder: string;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-byt5-'));
    for (const [name, content] of Object.entries(recorded.files)) {
      writeFileSync(join(folder, name), JSON.stringify(content));
    }
    tokenizer = await AutoTokenizer.fromPretrained(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives the ids that Python gives', () => {
    expect(tokenizer.vocabSize).toBe(recorded.vocabSize);
    for (const [text, ids] of recorded.encoded) expect(tokenizer.encode(text).inputIds, text).toEqual(ids);
    for (const [text, textPair, ids] of recorded.pairs) {
      expect(tokenizer.encode(text, { textPair }).inputIds, `${text} | ${textPair}`).toEqual(ids);
    }
    const maxLength = 7;
    expect(tokenizer.encode('naïve café', { truncation: true, maxLength }).inputIds).toEqual(
      recorded.truncated,
    );
    const { inputIds, attentionMask, tokenTypeIds } = tokenizer.encodeBatch(['é', '織布'], { padding: true });
    expect({ input_ids: inputIds, attention_mask: attentionMask }).toEqual(recorded.padded);
    expect(tokenTypeIds).toBeUndefined();
  });

  it('gives the texts that Python gives, broken characters left out', () => {
    for (const [ids, text, skipped] of recorded.decoded) {
      expect(tokenizer.decode(ids), ids.join()).toBe(text);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true }), ids.join()).toBe(skipped);
    }
  });

  it('tells where each byte comes from, in what JavaScript indexes', () => {
    const text = 'é🧵x';
    const { inputIds, offsetsMapping } = tokenizer.encode(text, { returnOffsetsMapping: true });
    expect(inputIds).toHaveLength(8);
    const cut = offsetsMapping!.map(([from, to]) => text.slice(from, to));
    expect(cut).toEqual(['é', 'é', '🧵', '🧵', '🧵', '🧵', 'x', '']);
  });

  it('is written such that Python and weft read it', async () => {
    const out = join(folder, 'saved');
    await tokenizer.savePretrained(out);
    const again = await AutoTokenizer.fromPretrained(out);
    for (const [text, ids] of recorded.encoded) expect(again.encode(text).inputIds).toEqual(ids);
    for (const [ids, text] of recorded.decoded) expect(again.decode(ids)).toBe(text);
  });
});
