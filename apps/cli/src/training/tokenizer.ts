import type { Tokenizer } from '@weft/tokenizer';

/** A byte-level BPE tokenizer, GPT-2's kind, with its one special token. */
export async function trainBpe(texts: readonly string[], vocabSize: number): Promise<Tokenizer> {
  const { trainByteLevelBpe } = await import('@weft/tokenizer');
  return trainByteLevelBpe(texts, { vocabSize, minFrequency: 2, specialTokens: ['<|endoftext|>'] });
}

/** A lower-casing WordPiece tokenizer, BERT's kind, with its special tokens. */
export async function trainWordPieces(texts: readonly string[], vocabSize: number): Promise<Tokenizer> {
  const { trainWordPiece } = await import('@weft/tokenizer');
  return trainWordPiece(texts, { vocabSize, minFrequency: 2 });
}
