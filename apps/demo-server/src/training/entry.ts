/** A line of a Trainer's log, as the page draws it. */
export interface Entry {
  step: number;
  epoch: number | null;
  loss: number | null;
  learningRate: number | null;
  gradNorm: number | null;
  stepsPerSecond: number | null;
  /** The line's other numbers, under their own names. */
  metrics: Record<string, number>;
}

/** Reads a line; undefined for one that is none, such as one that is still being written. */
export function parseEntry(line: string): Entry | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { step, epoch, loss, learning_rate, grad_norm, ...rest } = parsed as Record<string, unknown>;
  if (typeof step !== 'number') return undefined;
  const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  return {
    step,
    epoch: number(epoch),
    loss: number(loss),
    learningRate: number(learning_rate),
    gradNorm: number(grad_norm),
    stepsPerSecond: null,
    metrics: Object.fromEntries(
      Object.entries(rest).filter((pair): pair is [string, number] => typeof pair[1] === 'number'),
    ),
  };
}
