/** Element types of a safetensors file. */
export const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type Dtype = keyof typeof dtypeBytes;

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(dtypeBytes, name);
}

export type TensorData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** The array that holds each type; half types as their bits, BOOL as bytes. */
export const arrayOf: { [D in Dtype]: new (buffer: ArrayBuffer) => TensorData } = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** How many bytes a tensor of this type and shape takes. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
}

let halfTable: Float32Array | undefined;

/** Every float16 as a float32, built on first use: 256 kB, and then one look-up an element. */
function halfToFloatTable(): Float32Array {
  if (halfTable) return halfTable;
  halfTable = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) halfTable[half] = sign * fraction * 2 ** -24;
    else if (exponent === 31) halfTable[half] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else halfTable[half] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halfTable;
}

/** float16 bits to float32. */
export function halfToFloat(bits: Uint16Array): Float32Array {
  const table = halfToFloatTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!;
  return out;
}

/** bfloat16 bits to float32: the upper half of its bits. */
export function bfloatToFloat(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return new Float32Array(out.buffer);
}

/** Widens halves that lie in the back half of a buffer to float32 over the whole of it. */
export function widenTail(dtype: 'F16' | 'BF16', buffer: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(buffer, buffer.byteLength / 2);
  // Element i is written at 4i and element i read at 2n + 2i: a write never reaches what is still to be read.
  const words = new Uint32Array(buffer);
  if (dtype === 'BF16') {
    for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
  } else {
    const table = new Uint32Array(halfToFloatTable().buffer);
    for (let i = 0; i < halves.length; i++) words[i] = table[halves[i]!]!;
  }
  return new Float32Array(buffer);
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** float32 to the nearest float16, ties to even; too large becomes infinity. */
export function floatToHalf(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = oneFloatToHalf(values[i]!);
  return out;
}

function oneFloatToHalf(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: a whole number of 2^-24, rounded by adding it to a float whose last bit is worth that.
    floatView[0] = Math.abs(value) + 0.5;
    return sign | (bitsView[0]! - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** float32 to the nearest bfloat16, ties to even. */
export function floatToBfloat(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}
