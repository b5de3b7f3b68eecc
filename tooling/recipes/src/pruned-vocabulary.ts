import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '@weft/checkpoint';
import { AutoTokenizer, type Tokenizer } from '@weft/tokenizer';

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** What is read of a BERT's tokenizer.json. */
interface TokenizerJson {
  truncation: unknown;
  padding: unknown;
  added_tokens: { id: number; content: string }[];
  post_processor: { special_tokens: Record<string, { ids: number[]; tokens: string[] }> };
  model: { vocab: Record<string, number> };
}

export interface PrunedVocabulary {
  tokenizer: Tokenizer;
  /** For each token its id in the vocabulary that it was taken from. */
  teacherIds: Int32Array;
}

/**
 * The tokens of a WordPiece vocabulary that texts need most: all of one character that occur, then the most frequent.
 * What is dropped is spelt by shorter pieces. Written to the folder once; a run that goes on reads it back.
 */
export async function prunedVocabulary(
  source: string,
  texts: readonly string[],
  { size, folder }: { size: number; folder: string },
): Promise<PrunedVocabulary> {
  const whole = readJson<TokenizerJson>(join(source, 'tokenizer.json'));
  const file = join(folder, 'tokenizer.json');
  if (!existsSync(file)) {
    const kept = await frequentTokens(source, whole.model.vocab, texts, size);
    await writeJsonAtomic(file, renumbered(whole, kept));
    await writeJsonAtomic(join(folder, 'tokenizer_config.json'), {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: true,
      model_max_length: 256,
      ...{
        pad_token: '[PAD]',
        unk_token: '[UNK]',
        cls_token: '[CLS]',
        sep_token: '[SEP]',
        mask_token: '[MASK]',
      },
    });
  }
  const { vocab } = readJson<TokenizerJson>(file).model;
  const tokens = Object.entries(vocab).sort(([, a], [, b]) => a - b);
  return {
    tokenizer: await AutoTokenizer.fromPretrained(folder),
    teacherIds: Int32Array.from(tokens, ([token]) => whole.model.vocab[token]!),
  };
}

async function frequentTokens(
  source: string,
  vocab: Record<string, number>,
  texts: readonly string[],
  size: number,
): Promise<string[]> {
  const tokenizer = await AutoTokenizer.fromPretrained(source);
  const counts = new Float64Array(tokenizer.vocabSize);
  for (const row of tokenizer.encodeBatch(texts, { addSpecialTokens: false }).inputIds) {
    for (const id of row) counts[id]! += 1;
  }
  const others = Object.keys(vocab).filter((token) => !special.includes(token));
  const times = (token: string): number => counts[vocab[token]!]!;
  const letter = (token: string): boolean => [...token.replace(/^##/, '')].length === 1;
  // A letter that stands alone also continues words, and the other way.
  const letters = others.filter(
    (token) => (letter(token) && /^(##)?[\x20-\x7e]$/.test(token)) || (letter(token) && times(token) >= 20),
  );
  const known = new Set([...special, ...letters]);
  const frequent = others
    .filter((token) => !known.has(token))
    .sort((a, b) => times(b) - times(a))
    .slice(0, size - known.size);
  return [...known, ...frequent];
}

function renumbered(whole: TokenizerJson, tokens: readonly string[]): TokenizerJson {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const { special_tokens } = whole.post_processor;
  return {
    ...whole,
    truncation: null,
    padding: null,
    added_tokens: whole.added_tokens
      .map((token) => ({ ...token, id: vocab[token.content]! }))
      .sort((a, b) => a.id - b.id),
    post_processor: {
      ...whole.post_processor,
      special_tokens: Object.fromEntries(
        Object.entries(special_tokens).map(([name, entry]) => [
          name,
          { ...entry, ids: entry.tokens.map((token) => vocab[token]!) },
        ]),
      ),
    },
    model: { ...whole.model, vocab },
  };
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
