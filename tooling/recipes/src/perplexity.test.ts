import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { trainByteLevelBpe } from '@weft/tokenizer';
import { expect, it } from 'vitest';
import {
  countWords,
  modelPerplexity,
  tokenKneserNeyPerplexity,
  wordKneserNeyPerplexity,
} from './perplexity.js';

const verse = 'the weaver throws the shuttle and the shuttle takes the thread ';
const text = verse.repeat(6);

it('takes the loss of all tokens over the words between spaces', () => {
  const tokenizer = trainByteLevelBpe([text], { vocabSize: 300 });
  const sizes = { vocab_size: tokenizer.vocabSize, n_positions: 8, n_embd: 8, n_layer: 1, n_head: 1 };
  using model = new GPT2LMHeadModel(gpt2ConfigSchema.parse(sizes), { seed: 1 });
  // With the embeddings at zero every token is as likely as any other.
  for (const [key, variable] of model.namedParameters()) {
    if (key === 'transformer.wte.weight') variable.assign(variable.mul(0));
  }
  const tokens = tokenizer.encode(text).inputIds.length;
  const loss = ((tokens - 1) * Math.log(tokenizer.vocabSize)) / countWords(text);
  expect(Math.log(modelPerplexity(model, tokenizer, text))).toBeCloseTo(loss, 4);
});

it('has 5-gram models that foresee what they have read', () => {
  const tokenizer = trainByteLevelBpe([text], { vocabSize: 300 });
  const known = tokenKneserNeyPerplexity(tokenizer, text, verse);
  expect(known).toBeLessThan(4);
  expect(tokenKneserNeyPerplexity(tokenizer, text, 'thread the takes weaver throws and ')).toBeGreaterThan(
    10 * known,
  );
  expect(wordKneserNeyPerplexity(text, verse).unspelt).toBeLessThan(4);
});

it('lets the model of words pay for the letters of a word that it does not know', () => {
  const rare = 'shuttles threads weavers looms needles';
  const known = wordKneserNeyPerplexity(`${text} ${rare}`, verse);
  expect(known.spelt).toBe(known.unspelt);
  const price = (word: string): number => {
    const { unspelt, spelt } = wordKneserNeyPerplexity(`${text} ${rare}`, `the ${word}`);
    return Math.log(spelt / unspelt) * 2;
  };
  expect(price('spindles')).toBeGreaterThan(1);
  expect(price('spindles')).toBeLessThan(price('spindlesandbobbins'));
  expect(price('thimbles')).toBeLessThan(price('qqxqxqqx'));
});
