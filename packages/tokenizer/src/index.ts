export type { AddedToken } from './added-tokens.js';
export { AutoTokenizer } from './auto-tokenizer.js';
export type { ChatMessage, ChatTemplateOptions } from './chat.js';
export { DecodeStream } from './decode-stream.js';
export type { BatchEncoding, EncodedText, EncodeOptions } from './encode-batch.js';
export type { TruncationStrategy } from './encoding.js';
export { type DecodeOptions, type NewToken, Tokenizer, type TokenizerFiles } from './tokenizer.js';
export {
  type ByteLevelBpeTraining,
  trainByteLevelBpe,
  trainUnigram,
  trainWordPiece,
  type UnigramTraining,
  type WordPieceTraining,
} from './train.js';
