import type { Tokenizer } from '@weft/tokenizer';
import type { TokenizedExample } from '@weft/trainer';

export interface TextRecord {
  text: string;
  textPair?: string | undefined;
}

/** Texts, or pairs of texts, as ids, cut to a length; `full` counts those that reach it. */
export function encodeTexts(
  tokenizer: Tokenizer,
  records: readonly TextRecord[],
  maxLength: number,
): { examples: TokenizedExample[]; full: number } {
  const pairs = records.some(({ textPair }) => textPair !== undefined);
  const { inputIds, attentionMask, tokenTypeIds } = tokenizer.encodeBatch(
    records.map(({ text }) => text),
    {
      truncation: true,
      maxLength,
      ...(pairs ? { textPairs: records.map(({ textPair }) => textPair ?? '') } : {}),
    },
  );
  const examples = inputIds.map((ids, i) => ({
    inputIds: ids,
    attentionMask: attentionMask[i]!,
    ...(tokenTypeIds ? { tokenTypeIds: tokenTypeIds[i]! } : {}),
  }));
  return { examples, full: inputIds.filter(({ length }) => length >= maxLength).length };
}

/** A line on texts that were cut, where there are any. */
export function noteCut(note: (text: string) => void, full: number, of: number, maxLength: number): void {
  if (full > 0) note(`${full} of ${of} texts reach ${maxLength} tokens and are cut there (--max-length)`);
}
