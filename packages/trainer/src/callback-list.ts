import type { CallbackContext, TrainerCallback } from './callbacks.js';
import type { CallbackState } from './state.js';

type Hook = Exclude<keyof TrainerCallback, 'name' | 'saveState' | 'loadState'>;
type Method = (context: CallbackContext, ...values: unknown[]) => void | Promise<void>;

/** The callbacks of a trainer, called one after the other. */
export class CallbackList {
  #callbacks: readonly TrainerCallback[];

  constructor(callbacks: readonly TrainerCallback[]) {
    this.#callbacks = callbacks;
  }

  async call(hook: Hook, context: CallbackContext, values: readonly unknown[]): Promise<void> {
    for (const callback of this.#callbacks) {
      await (callback[hook] as Method | undefined)?.call(callback, context, ...values);
    }
  }

  saveStates(): Record<string, CallbackState> {
    return Object.fromEntries(
      this.#callbacks.flatMap((callback) =>
        callback.name && callback.saveState ? [[callback.name, callback.saveState()]] : [],
      ),
    );
  }

  loadStates(states: Record<string, CallbackState>): void {
    for (const callback of this.#callbacks) {
      const stored = callback.name ? states[callback.name] : undefined;
      if (stored) callback.loadState?.(stored);
    }
  }
}
