import { CheckpointError } from '@weft/errors';
import { type Dtype, dtypeBytes, isDtype } from './dtype.js';

export interface TensorInfo {
  dtype: Dtype;
  shape: readonly number[];
  /** Where its bytes begin and end, counted from the start of the data. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** Headers are kept below this by the format's own reference implementation. */
export const maxHeaderBytes = 100_000_000;

/**
 * Reads and checks a safetensors header (the JSON text alone) against the number of data bytes that follow it:
 * every tensor's type, shape and place, and that they cover the data without a gap or an overlap.
 *
 * @throws CheckpointError on anything that is not so
 */
export function parseHeader(text: string, dataBytes: number, file: string): SafetensorsHeader {
  const fail = (expected: string, received: string): never => {
    throw new CheckpointError({
      operation: 'read safetensors',
      expected,
      received,
      remedy: 'the file is damaged or not safetensors: fetch or write it again',
      file,
    });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    return fail('a header in JSON', (cause as Error).message);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return fail('a JSON object', 'another value');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) return fail('each tensor named once', `${JSON.stringify(repeated)} twice`);

  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = parseMetadata(value, fail);
    else tensors.set(name, parseTensor(name, value, fail));
  }
  checkCoverage(tensors, dataBytes, fail);
  return { tensors, metadata };
}

type Fail = (expected: string, received: string) => never;

function parseMetadata(value: unknown, fail: Fail): Record<string, string> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap || Object.values(value).some((text) => typeof text !== 'string')) {
    return fail('__metadata__ from text to text', 'another form');
  }
  return value as Record<string, string>;
}

function parseTensor(name: string, value: unknown, fail: Fail): TensorInfo {
  const quoted = JSON.stringify(name.slice(0, 200));
  if (typeof value !== 'object' || value === null)
    return fail(`an object for tensor ${quoted}`, typeof value);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isDtype(dtype))
    return fail(`a dtype of ${Object.keys(dtypeBytes).join(', ')} for ${quoted}`, String(dtype));
  if (!isSizes(shape)) return fail(`a shape of whole numbers for ${quoted}`, 'another form');
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`two data_offsets for ${quoted}`, 'another form');
  const [begin, end] = offsets as [number, number];
  const elements = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(elements * 8))
    return fail(`a size that can be counted for ${quoted}`, `[${shape}]`);
  if (end - begin !== elements * dtypeBytes[dtype]) {
    return fail(`${elements * dtypeBytes[dtype]} bytes for ${quoted}, ${dtype} [${shape}]`, `${end - begin}`);
  }
  return { dtype, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function checkCoverage(tensors: Map<string, TensorInfo>, dataBytes: number, fail: Fail): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      fail(
        `tensor ${JSON.stringify(name)} to begin at byte ${position}`,
        `${begin}, ${begin < position ? 'an overlap' : 'a gap'}`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    fail(`${position} bytes of data`, `${dataBytes}${dataBytes < position ? ': the file is cut short' : ''}`);
  }
}

/** The first key that stands twice in the outermost object of a valid JSON text; JSON.parse would hide it. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth !== 1 || !isKeyEnd(text, i)) continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** Whether the string that ends at this quote is followed by a colon. */
function isKeyEnd(text: string, quote: number): boolean {
  let i = quote + 1;
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return text[i] === ':';
}
