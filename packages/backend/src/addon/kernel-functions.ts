/** Arrays that may be absent reach C++ as null pointers. */
type Maybe<T> = T | null;
type Floats = Float32Array;

/** Sizes and options that attention and its gradient share, in the order of native/kernels/attention.h. */
export type AttentionNumbers = [
  batch: number,
  queries: number,
  capacity: number,
  keys: number,
  heads: number,
  keyHeads: number,
  headSize: number,
  valueSize: number,
  biasBatch: number,
  biasHeads: number,
  scale: number,
  causal: boolean,
  rate: number,
  seed: number,
  offset: number,
];

/** The functions of native/binding/kernels.cc; sizes are explained in the headers of native/kernels/. */
export interface KernelFunctions {
  activation(x: Floats, y: Floats, n: number, kind: number): void;
  activationGradient(x: Floats, dy: Floats, dx: Floats, n: number, kind: number): void;

  attention(
    query: Floats,
    key: Floats,
    value: Floats,
    padding: Maybe<Floats>,
    bias: Maybe<Floats>,
    y: Floats,
    logSumExp: Floats,
    ...numbers: AttentionNumbers
  ): void;
  attentionGradient(
    dy: Floats,
    query: Floats,
    key: Floats,
    value: Floats,
    y: Floats,
    logSumExp: Floats,
    padding: Maybe<Floats>,
    bias: Maybe<Floats>,
    dquery: Floats,
    dkey: Floats,
    dvalue: Floats,
    dbias: Maybe<Floats>,
    ...numbers: AttentionNumbers
  ): void;

  /** The place of a row that is not in the cache, -1 for none. */
  beamAttention(
    query: Floats,
    key: Floats,
    value: Floats,
    table: Int32Array,
    bias: Maybe<Floats>,
    y: Floats,
    batch: number,
    held: number,
    capacity: number,
    keys: number,
    heads: number,
    size: number,
    scale: number,
  ): number;
  topTokens(
    logits: Floats,
    tokens: Int32Array,
    logProbabilities: Floats,
    rows: number,
    columns: number,
    count: number,
  ): void;

  binary(
    kind: number,
    a: Floats,
    b: Floats,
    y: Floats,
    outer: number,
    inner: number,
    aOuter: number,
    aInner: number,
    bOuter: number,
    bInner: number,
  ): void;
  binaryBroadcast(kind: number, a: Floats, b: Floats, y: Floats, layout: Int32Array, rank: number): void;
  compare(
    kind: number,
    a: Floats,
    b: Floats,
    y: Uint8Array,
    outer: number,
    inner: number,
    aOuter: number,
    aInner: number,
    bOuter: number,
    bInner: number,
  ): void;
  choose(condition: Uint8Array, a: Floats, b: Floats, y: Floats, n: number): void;
  unary(kind: number, x: Floats, y: Floats, n: number, a: number, b: number): void;
  fill(y: Floats, n: number, value: number): void;
  reduce(kind: number, x: Floats, y: Floats, outer: number, size: number, inner: number): void;
  copyStrided(x: Floats, y: Floats, layout: Int32Array, rank: number, xOffset: number, yOffset: number): void;

  intToFloat(x: Int32Array, y: Floats, n: number): void;
  floatToInt(x: Floats, y: Int32Array, n: number): void;
  byteToFloat(x: Uint8Array, y: Floats, n: number): void;
  byteToInt(x: Uint8Array, y: Int32Array, n: number): void;
  floatToBool(x: Floats, y: Uint8Array, n: number): void;
  intToBool(x: Int32Array, y: Uint8Array, n: number): void;
  halfToFloats(x: Uint16Array, y: Floats, n: number): void;
  bfloatToFloats(x: Uint16Array, y: Floats, n: number): void;

  softmax(x: Floats, y: Floats, rows: number, width: number): void;
  logSoftmax(x: Floats, y: Floats, rows: number, width: number): void;
  /** The place of a label that is out of range, -1 for none. */
  crossEntropy(
    logits: Floats,
    labels: Int32Array,
    loss: Floats,
    logSumExp: Floats,
    rows: number,
    classes: number,
    ignored: number,
    smoothing: number,
    mean: boolean,
  ): number;
  crossEntropyGradient(
    logits: Floats,
    labels: Int32Array,
    logSumExp: Floats,
    dy: Floats,
    dlogits: Floats,
    rows: number,
    classes: number,
    ignored: number,
    smoothing: number,
    mean: boolean,
  ): void;
  linearCrossEntropy(
    hidden: Floats,
    weight: Floats,
    labels: Int32Array,
    bias: Maybe<Floats>,
    loss: Floats,
    dhidden: Maybe<Floats>,
    dweight: Maybe<Floats>,
    dbias: Maybe<Floats>,
    rows: number,
    width: number,
    classes: number,
    ignored: number,
    smoothing: number,
    mean: boolean,
  ): number;

  /** The place of a row that is not in the cache, -1 for none. `sizes` are those of StepSizes. */
  decoderStep(
    sizes: Int32Array,
    x: Floats,
    y: Floats,
    keys: Floats[],
    values: Floats[],
    memoryKeys: Floats[],
    memoryValues: Floats[],
    padding: Maybe<Floats>,
    memoryPadding: Maybe<Floats>,
    bias: Maybe<Floats>,
    table: Maybe<Int32Array>,
    norms: Maybe<Floats>[],
    weights: Maybe<Floats>[],
    biases: Maybe<Floats>[],
    quantized: Maybe<Int32Array>[],
    stored: Int32Array,
    scales: Floats,
    epsilon: number,
    activation: number,
  ): number;

  dropout(x: Floats, y: Floats, n: number, rate: number, seed: number, offset: number): void;
  /** The place of an id that is out of range, -1 for none. */
  gather(
    x: Floats,
    ids: Int32Array,
    y: Floats,
    outer: number,
    size: number,
    width: number,
    count: number,
  ): number;
  embeddingGradient(
    ids: Int32Array,
    dy: Floats,
    dweight: Floats,
    size: number,
    width: number,
    count: number,
    padding: number,
  ): number;

  layerNorm(
    x: Floats,
    gamma: Floats,
    beta: Floats,
    y: Floats,
    mean: Floats,
    rstd: Floats,
    rows: number,
    width: number,
    epsilon: number,
  ): void;
  layerNormGradient(
    dy: Floats,
    x: Floats,
    gamma: Floats,
    mean: Floats,
    rstd: Floats,
    dx: Floats,
    dgamma: Floats,
    dbeta: Floats,
    rows: number,
    width: number,
  ): void;
  rmsNorm(
    x: Floats,
    gamma: Floats,
    y: Floats,
    rstd: Floats,
    rows: number,
    width: number,
    epsilon: number,
  ): void;
  rmsNormGradient(
    dy: Floats,
    x: Floats,
    gamma: Floats,
    rstd: Floats,
    dx: Floats,
    dgamma: Floats,
    rows: number,
    width: number,
  ): void;

  adamW(
    parameters: Floats[],
    gradients: Floats[],
    means: Floats[],
    variances: Floats[],
    rate: Float64Array,
    decay: Float64Array,
    beta1: number,
    beta2: number,
    epsilon: number,
    step: number,
    gradientScale: number,
  ): void;
  globalNorm(arrays: Floats[]): number;
  accumulate(sums: Floats[], addends: Floats[]): void;
}
