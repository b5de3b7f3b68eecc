/** How well language models foresee a text, a word: e to the power of the mean loss of a word between spaces. */
import * as tf from '@tensorflow/tfjs';
import type { GPT2LMHeadModel } from '@weft/gpt2';
import type { Tokenizer } from '@weft/tokenizer';
import { KneserNey } from './kneser-ney.js';

export function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

/**
 * Each token is foreseen from at least half a context of what stands before it, the first ones of the text from
 * less.
 */
export function modelPerplexity(model: GPT2LMHeadModel, tokenizer: Tokenizer, text: string): number {
  const { inputIds: ids } = tokenizer.encode(text, { addSpecialTokens: false });
  const context = model.config.n_positions;
  const stride = context / 2;
  let sum = 0;
  for (let start = 0; start + 1 < ids.length; start += stride) {
    const window = ids.slice(start, start + context);
    // The first half was foreseen by the window before, but for its very first.
    const counted = start === 0 ? 1 : context - stride;
    const labels = window.map((id, i) => (i < counted ? -100 : id));
    const targets = labels.filter((label) => label !== -100).length;
    if (targets === 0) continue;
    sum += tf.tidy(() => {
      const { loss } = model.forward({ inputIds: [window], labels: [labels], outputLogits: false });
      return loss!.dataSync()[0]! * targets;
    });
  }
  return Math.exp(sum / countWords(text));
}

/** A 5-gram model over the same tokens, trained on the same text. */
export function tokenKneserNeyPerplexity(tokenizer: Tokenizer, train: string, text: string): number {
  const ids = (content: string): number[] => tokenizer.encode(content, { addSpecialTokens: false }).inputIds;
  const model = new KneserNey([ids(train)], tokenizer.vocabSize, 5);
  return Math.exp(model.negativeLogLikelihood(ids(text)) / countWords(text));
}

/**
 * A 5-gram model over words and punctuation marks. Words that the training text has once are one unknown word to it.
 * `unspelt` does not ask how such a word is written, a favour, as the others pay for each letter; in `spelt` a 5-gram
 * model of letters, which has learnt from the words that occur once, writes it.
 */
export function wordKneserNeyPerplexity(train: string, text: string): { unspelt: number; spelt: number } {
  const split = (content: string): string[] => content.match(/[\p{L}\p{M}'’]+|\p{N}+|[^\s]/gu) ?? [];
  const words = split(train);
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count > 1).map(([word]) => word);
  const rare = [...counts].filter(([, count]) => count === 1).map(([word]) => word);
  const ids = new Map(known.map((word, i) => [word, i + 1]));
  const toIds = (list: readonly string[]): number[] => list.map((word) => ids.get(word) ?? 0);
  const model = new KneserNey([toIds(words)], ids.size + 1, 5);
  const judged = split(text);
  const loss = model.negativeLogLikelihood(toIds(judged));
  const spelling = spellingOf(rare);
  const letters = judged.filter((word) => !ids.has(word)).reduce((sum, word) => sum + spelling(word), 0);
  const count = countWords(text);
  return { unspelt: Math.exp(loss / count), spelt: Math.exp((loss + letters) / count) };
}

/** What writing a word, and its end, costs in nats, after words of the same kind. */
function spellingOf(words: readonly string[]): (word: string) => number {
  const end = 0;
  const unknown = 1;
  const letters = new Map([...new Set(words.join(''))].map((letter, i) => [letter, i + 2]));
  const toIds = (word: string): number[] => [
    ...[...word].map((letter) => letters.get(letter) ?? unknown),
    end,
  ];
  const model = new KneserNey(words.map(toIds), letters.size + 2, 5);
  return (word) => model.negativeLogLikelihood(toIds(word));
}
