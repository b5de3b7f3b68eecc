import { type Encoding, filled, mergeEncodings, specialEncoding } from './encoding.js';
import {
  asBoolean,
  asId,
  asList,
  asObject,
  asString,
  type Json,
  type JsonObject,
  malformed,
  optional,
} from './json.js';

/** What a post-processor may ask about the call that it serves. */
export interface PostProcessing {
  addSpecialTokens: boolean;
  hasPlaces: boolean;
  /** How many spaces the text of a token begins and ends with. */
  spacesOf: (encoding: Encoding, token: number) => { leading: number; trailing: number };
}

/** Puts special tokens around a text and its pair. */
export interface PostProcessor {
  addedTokens(isPair: boolean): number;
  /** The parts in their order, to be merged. */
  process(parts: Encoding[], call: PostProcessing): Encoding[];
}

/** Takes the spaces of byte-level tokens out of their offsets. */
function trimOffsets(encoding: Encoding, call: PostProcessing, addPrefixSpace: boolean): Encoding {
  if (encoding.starts.length === 0) return encoding;
  const starts = encoding.starts.slice();
  const ends = encoding.ends.slice();
  for (let i = 0; i < encoding.ids.length; i++) {
    let { leading, trailing } = call.spacesOf(encoding, i);
    if (leading > 0) {
      if ((i === 0 || starts[i] === 0) && addPrefixSpace) leading--;
      starts[i] = Math.min(starts[i]! + leading, ends[i]!);
    }
    if (trailing > 0 && ends[i]! >= trailing) ends[i] = Math.max(ends[i]! - trailing, starts[i]!);
  }
  const overflowing = encoding.overflowing.map((window) => trimOffsets(window, call, addPrefixSpace));
  return { ...encoding, starts, ends, overflowing };
}

interface Piece {
  /** 0 or 1: the text or its pair; -1: the ids. */
  sequence: number;
  ids: number[];
  typeId: number;
}

function template(single: Piece[], pair: Piece[]): PostProcessor {
  const count = (pieces: Piece[]): number => pieces.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    addedTokens: (isPair) => count(isPair ? pair : single),
    process: (parts, { addSpecialTokens, hasPlaces }) =>
      (parts.length > 1 ? pair : single).flatMap(({ sequence, ids, typeId }) => {
        if (sequence < 0) return addSpecialTokens ? [specialEncoding(ids, typeId, hasPlaces)] : [];
        const part = parts[sequence];
        return part ? [{ ...part, typeIds: filled(part.ids.length, typeId) }] : [];
      }),
  };
}

function readPieces(value: Json | undefined, where: string, tokens: JsonObject): Piece[] {
  return asList(value, where).map((entry, i) => {
    const config = asObject(entry, `${where}[${i}]`);
    const [kind, body] = Object.entries(config)[0] ?? [];
    const inner = asObject(body, `${where}[${i}]`);
    const typeId = optional(inner.type_id, `${where}[${i}].type_id`, asId, 0);
    const id = asString(inner.id, `${where}[${i}].id`);
    if (kind === 'Sequence') return { sequence: id === 'A' ? 0 : 1, ids: [], typeId };
    const token = asObject(tokens[id], `post_processor.special_tokens[${JSON.stringify(id)}]`);
    const ids = asList(token.ids, 'post_processor.special_tokens.ids').map((one) =>
      asId(one, 'a special token'),
    );
    return { sequence: -1, ids, typeId };
  });
}

function readToken(value: Json | undefined, where: string): number {
  return asId(asList(value, where)[1], `${where}[1]`);
}

/** BERT's and RoBERTa's have no template of their own: this one gives the same tokens. */
function fixedTemplate(config: JsonObject, isRoberta: boolean): PostProcessor {
  const special = (id: number, typeId: number): Piece => ({ sequence: -1, ids: [id], typeId });
  const cls = readToken(config.cls, 'post_processor.cls');
  const sep = readToken(config.sep, 'post_processor.sep');
  const text: Piece = { sequence: 0, ids: [], typeId: 0 };
  const second = isRoberta ? 0 : 1;
  const other: Piece = { sequence: 1, ids: [], typeId: second };
  const single = [special(cls, 0), text, special(sep, 0)];
  const before = isRoberta ? [special(sep, 0)] : [];
  return template(single, [...single, ...before, other, special(sep, second)]);
}

function roberta(config: JsonObject): PostProcessor {
  const inner = fixedTemplate(config, true);
  const trims = optional(config.trim_offsets, 'post_processor.trim_offsets', asBoolean, true);
  const addPrefixSpace = optional(
    config.add_prefix_space,
    'post_processor.add_prefix_space',
    asBoolean,
    true,
  );
  const clearTypes = (encoding: Encoding): Encoding => ({
    ...encoding,
    typeIds: filled(encoding.ids.length, 0),
    overflowing: encoding.overflowing.map(clearTypes),
  });
  return {
    addedTokens: inner.addedTokens,
    process: (given, call) => {
      const parts = trims ? given.map((part) => trimOffsets(part, call, addPrefixSpace)) : given;
      return call.addSpecialTokens
        ? inner.process(parts.map(clearTypes), call)
        : parts.map((part) => ({ ...part, typeIds: filled(part.ids.length, 0) }));
    },
  };
}

/** Without special tokens BERT's processor leaves all as it is; with them, windows get its types too. */
function bert(config: JsonObject): PostProcessor {
  const inner = fixedTemplate(config, false);
  return {
    addedTokens: inner.addedTokens,
    process: (parts, call) => (call.addSpecialTokens ? inner.process(parts, call) : parts),
  };
}

function byteLevel(config: JsonObject): PostProcessor {
  const trims = optional(config.trim_offsets, 'post_processor.trim_offsets', asBoolean, true);
  const addPrefixSpace = optional(
    config.add_prefix_space,
    'post_processor.add_prefix_space',
    asBoolean,
    true,
  );
  return {
    addedTokens: () => 0,
    process: (parts, call) => (trims ? parts.map((part) => trimOffsets(part, call, addPrefixSpace)) : parts),
  };
}

function sequence(stages: PostProcessor[]): PostProcessor {
  return {
    addedTokens: (isPair) => stages.reduce((sum, stage) => sum + stage.addedTokens(isPair), 0),
    process: (parts, call) => stages.reduce((current, stage) => stage.process(current, call), parts),
  };
}

/** Builds the post-processor of a tokenizer.json; null where it has none. */
export function createPostProcessor(value: Json | undefined, depth = 0): PostProcessor | null {
  if (value === null || value === undefined) return null;
  const config = asObject(value, 'post_processor');
  if (depth > 32) throw malformed('post_processor', 'nested at most 32 deep', config);
  const type = asString(config.type, 'post_processor.type');
  switch (type) {
    case 'TemplateProcessing': {
      const tokens = asObject(config.special_tokens, 'post_processor.special_tokens');
      return template(
        readPieces(config.single, 'post_processor.single', tokens),
        readPieces(config.pair, 'post_processor.pair', tokens),
      );
    }
    case 'BertProcessing':
      return bert(config);
    case 'RobertaProcessing':
      return roberta(config);
    case 'ByteLevel':
      return byteLevel(config);
    case 'Sequence':
      return sequence(
        asList(config.processors, 'post_processor.processors')
          .map((stage) => createPostProcessor(stage, depth + 1))
          .filter((stage) => stage !== null),
      );
    default:
      throw malformed('post_processor.type', 'a type that weft knows', type);
  }
}

export function postProcess(
  processor: PostProcessor | null,
  parts: Encoding[],
  call: PostProcessing,
): Encoding {
  return mergeEncodings(processor ? processor.process(parts, call) : parts);
}
