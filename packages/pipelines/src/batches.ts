/**
 * Puts inputs together into batches. Where an input is refused or the source fails, what came before is given first;
 * a signal ends the waiting for a source that is silent.
 */
export async function* batches<Input>(
  inputs: AsyncIterable<unknown> | Iterable<unknown>,
  size: number,
  check: (input: unknown) => Input,
  signal: AbortSignal | undefined,
): AsyncGenerator<Input[], void, void> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  let isOver = false;
  try {
    while (!isOver) {
      const batch: Input[] = [];
      let problem: { error: unknown } | undefined;
      while (batch.length < size && !isOver && !problem) {
        try {
          const { done, value } = await soonerOf(Promise.resolve(source.next()), signal);
          if (done) isOver = true;
          else batch.push(check(await value));
        } catch (error) {
          problem = { error };
        }
      }
      if (batch.length > 0 && !signal?.aborted) yield batch;
      if (problem) throw problem.error;
    }
  } finally {
    const ended = isOver ? undefined : source.return?.();
    // A source that is silent may never come to its end.
    if (!signal?.aborted) await ended;
  }
}

/** The value of a promise, unless a signal comes before it. */
function soonerOf<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const settle = (): void => signal.removeEventListener('abort', stop);
    work.then(resolve, reject).finally(settle);
  });
}
