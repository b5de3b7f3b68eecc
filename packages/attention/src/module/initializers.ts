/** Draws the values of a new parameter: `normal` gives standard normal numbers, `uniform` numbers in [0, 1). */
export type Initializer = (shape: readonly number[], random: RandomNumbers) => Float32Array;

export interface RandomNumbers {
  normal(): number;
  uniform(): number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const zeros: Initializer = (shape) => new Float32Array(sizeOf(shape));

export const ones: Initializer = (shape) => new Float32Array(sizeOf(shape)).fill(1);

/** Normal with mean 0 and this standard deviation; BERT and GPT-2 use 0.02. */
export const normal =
  (standardDeviation: number): Initializer =>
  (shape, random) =>
    new Float32Array(sizeOf(shape)).map(() => random.normal() * standardDeviation);

/** Uniform in [-limit, limit). */
export const uniform =
  (limit: number): Initializer =>
  (shape, random) =>
    new Float32Array(sizeOf(shape)).map(() => (2 * random.uniform() - 1) * limit);

/** Uniform with limit sqrt(6 / (fan in + fan out)) for a matrix (Glorot and Bengio, 2010). */
export const xavierUniform: Initializer = (shape, random) =>
  uniform(Math.sqrt(6 / (shape[0]! + shape[1]!)))(shape, random);

/** What torch.nn.Linear draws: uniform with limit 1 / sqrt(fan in), for weight and bias alike. */
export const linearDefault = (fanIn: number): Initializer => uniform(1 / Math.sqrt(fanIn));
