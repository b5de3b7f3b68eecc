import type { KernelFunctions } from './kernel-functions.js';

/** Arrays that may be absent reach C++ as null pointers. */
type Maybe<T> = T | null;

/** The functions of the native addon (native/binding/); each is named after its kernel in native/kernels/. */
export interface Addon extends KernelFunctions {
  threads(): number;
  useThreads(count: number): void;
  instructionSet(): InstructionSet;
  useInstructionSet(level: number): boolean;
  hasInstructionSet(level: number): boolean;
  /** Bytes of scratch memory that the threads hold. */
  scratchMemory(): number;
  /**
   * Memory outside V8's own, in large pages, not cleared; undefined where there is none to be had. V8 searches its heap
   * before it makes a buffer itself, once buffers of 32 MB are young.
   */
  allocateBuffer(bytes: number): ArrayBuffer | undefined;
  /** Frees an array buffer at once, without waiting for the garbage collector; its views become empty. */
  freeBuffer(buffer: ArrayBuffer): void;
  /** Tells V8 of so many bytes outside its heap, or of so many fewer: its garbage collector goes by their sum, returned. */
  countExternalMemory(change: number): number;

  fmaPeak(rounds: number): number;
  copyPeak(from: Float32Array, to: Float32Array, n: number): void;
  readPeak(from: Float32Array, n: number): number;

  batchMatMul(
    transposeA: boolean,
    transposeB: boolean,
    batch: number,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    indexA: Maybe<Int32Array>,
    indexB: Maybe<Int32Array>,
    bias: Maybe<Float32Array>,
    activation: number,
  ): void;
  sgemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    lda: number,
    b: Float32Array,
    ldb: number,
    c: Float32Array,
    ldc: number,
    bias: Maybe<Float32Array>,
    activation: number,
    accumulate: boolean,
  ): void;
  packedFloats(n: number, k: number): number;
  packWeight(transposed: boolean, n: number, k: number, b: Float32Array, packed: Float32Array): void;
  packedLinear(
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    packed: Float32Array,
    c: Float32Array,
    bias: Maybe<Float32Array>,
    activation: number,
  ): void;
  coarseSize(n: number, k: number): number;
  coarseWeight(n: number, k: number, weight: Float32Array, coarse: Int32Array): void;
  likeliestToken(
    m: number,
    n: number,
    k: number,
    x: Float32Array,
    weight: Float32Array,
    coarse: Int32Array,
    bias: Maybe<Float32Array>,
    tokens: Int32Array,
  ): void;
  quantizeWeight(
    n: number,
    k: number,
    groupSize: number,
    weight: Float32Array,
    quantized: Int32Array,
    scales: Float32Array,
  ): void;
  quantizedLinear(
    m: number,
    n: number,
    k: number,
    groupSize: number,
    x: Float32Array,
    weight: Int32Array,
    scales: Float32Array,
    bias: Maybe<Float32Array>,
    y: Float32Array,
    activation: number,
  ): void;

  argMax(x: Float32Array, index: Int32Array, rows: number, columns: number): void;
  topK(
    x: Float32Array,
    values: Float32Array,
    indices: Int32Array,
    rows: number,
    columns: number,
    k: number,
  ): void;
  hasNan(x: Float32Array, n: number): boolean;
}

/** In the order of native/runtime/cpu.h. */
export const instructionSets = ['portable', 'avx2', 'avx512', 'neon'] as const;
export type InstructionSet = (typeof instructionSets)[number];
