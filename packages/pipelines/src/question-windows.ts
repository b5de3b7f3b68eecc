/** A question beside stretches of its context, each short enough for the model. */
import { InputError } from '@weft/errors';
import type { Tokenizer } from '@weft/tokenizer';
import type { Parts } from './call.js';
import type { SpanReader } from './models.js';

export interface Question {
  question: string;
  context: string;
}

/** One window, an entry a token. */
export interface Window {
  ids: number[];
  /** Missing where the model takes none. */
  typeIds: number[] | undefined;
  /** Whether an answer may hold the token: those of the context, and the class token. */
  isAllowed: boolean[];
  /** Whether the token is of the context. */
  isContext: boolean[];
  /** UTF-16 places in the question or the context. */
  offsets: [number, number][];
  /** The word of each token within its text. */
  words: (number | null)[];
}

/** How many tokens two windows share where the caller does not say, at most. */
const MAX_STRIDE = 128;

interface Sizes {
  maxSeqLen: number;
  docStride: number | undefined;
}

/**
 * The windows of one question.
 *
 * @throws InputError where the question leaves no room for its context
 */
export function windowsOf(
  { task, tokenizer }: Parts<SpanReader>,
  { question, context }: Question,
  { maxSeqLen, docStride }: Sizes,
): Window[] {
  // As transformers has it, a tokenizer that pads on the left takes the context first.
  const isQuestionFirst = tokenizer.paddingSide === 'right';
  const room = maxSeqLen - questionLength(tokenizer, question);
  if (room < 1) {
    throw new InputError({
      operation: task,
      expected: `a question that leaves room for its context in ${maxSeqLen} tokens`,
      received: `${maxSeqLen - room} tokens with the special ones`,
      remedy: 'shorten the question, or raise maxSeqLen',
    });
  }
  if (docStride !== undefined && docStride >= room) {
    throw new InputError({
      operation: task,
      expected: `docStride below the ${room} tokens that the question leaves for the context`,
      received: String(docStride),
      remedy: 'lower docStride, or raise maxSeqLen',
    });
  }
  const encoded = tokenizer.encodeBatch([isQuestionFirst ? question : context], {
    textPairs: [isQuestionFirst ? context : question],
    truncation: isQuestionFirst ? 'only_second' : 'only_first',
    maxLength: maxSeqLen,
    stride: docStride ?? Math.min(Math.floor(maxSeqLen / 2), MAX_STRIDE, room - 1),
    returnOverflowingTokens: true,
    returnOffsetsMapping: true,
    returnWordIds: true,
    returnSequenceIds: true,
  });
  const contextSequence = isQuestionFirst ? 1 : 0;
  return encoded.inputIds.map((ids, i) => {
    const isContext = encoded.sequenceIds![i]!.map((sequence) => sequence === contextSequence);
    return {
      ids,
      typeIds: encoded.tokenTypeIds?.[i],
      isAllowed: isContext.map((isIn, t) => isIn || ids[t] === tokenizer.clsTokenId),
      isContext,
      offsets: encoded.offsetsMapping![i]!,
      words: encoded.wordIds![i]!,
    };
  });
}

/** Tokens that a window holds whatever its stretch of the context. */
function questionLength(tokenizer: Tokenizer, question: string): number {
  const { inputIds } = tokenizer.encode(question, { addSpecialTokens: false });
  return inputIds.length + tokenizer.numSpecialTokensToAdd(true);
}
