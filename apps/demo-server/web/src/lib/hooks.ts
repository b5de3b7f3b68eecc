import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Failure, toFailure } from './failure.js';

/** What a question to the server has come to. */
export type Task<T> =
  | { state: 'idle' }
  | { state: 'busy'; previous?: T | undefined }
  | { state: 'done'; value: T; seconds: number }
  | { state: 'failed'; failure: Failure; previous?: T | undefined };

/** One question at a time: a new one, or leaving the view, ends the one before. */
export function useTask<T>(): {
  task: Task<T>;
  run: (ask: (signal: AbortSignal) => Promise<T>) => void;
  reset: () => void;
} {
  const [task, setTask] = useState<Task<T>>({ state: 'idle' });
  const running = useRef<AbortController | undefined>(undefined);
  const value = useRef<T | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const run = useCallback((ask: (signal: AbortSignal) => Promise<T>) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const began = performance.now();
    setTask({ state: 'busy', previous: value.current });
    ask(controller.signal).then(
      (answer) => {
        if (controller.signal.aborted) return;
        value.current = answer;
        setTask({ state: 'done', value: answer, seconds: (performance.now() - began) / 1000 });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setTask({ state: 'failed', failure: toFailure(error), previous: value.current });
      },
    );
  }, []);
  const reset = useCallback(() => {
    running.current?.abort();
    value.current = undefined;
    setTask({ state: 'idle' });
  }, []);
  return { task, run, reset };
}

const remembered = new Map<string, unknown>();

/** State that outlives the view, so that what was typed is still there on the way back. */
export function useRemembered<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(remembered.has(name) ? (remembered.get(name) as T) : initial);
  const set = useCallback(
    (next: T) => {
      remembered.set(name, next);
      setValue(next);
    },
    [name],
  );
  return [value, set];
}
