import { type ComponentChildren, createContext, type JSX } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import { listModels, type ModelCard } from '../lib/api.js';
import { type Failure, toFailure } from '../lib/failure.js';
import { useRemembered } from '../lib/hooks.js';

interface Models {
  state: 'loading' | 'ready' | 'failed';
  models: ModelCard[];
  failure?: Failure;
  reload: () => void;
}

const ModelsContext = createContext<Models>({ state: 'loading', models: [], reload: () => undefined });

/** Asks once which models the server offers; asks again while one of them is loading. */
export function ModelsProvider({ children }: { children: ComponentChildren }): JSX.Element {
  const [found, setFound] = useState<Omit<Models, 'reload'>>({ state: 'loading', models: [] });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => {
    setFound({ state: 'loading', models: [] });
    setRound((before) => before + 1);
  }, []);

  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    listModels(controller.signal).then(
      (models) => {
        setFound({ state: 'ready', models });
        if (models.some(({ state }) => state === 'loading')) {
          timer = setTimeout(() => setRound((before) => before + 1), 1500);
        }
      },
      (error: unknown) => {
        if (!controller.signal.aborted) setFound({ state: 'failed', models: [], failure: toFailure(error) });
      },
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [round]);

  return <ModelsContext.Provider value={{ ...found, reload }}>{children}</ModelsContext.Provider>;
}

export const useModels = (): Models => useContext(ModelsContext);

export interface ModelChoice {
  models: Models;
  /** Those that can do the work. */
  able: ModelCard[];
  chosen: ModelCard | undefined;
  choose: (id: string) => void;
}

/** The model for one kind of work: the one chosen last, else the first that is ready. */
export function useModelFor(ability: string): ModelChoice {
  const models = useModels();
  const [wanted, choose] = useRemembered(`model-${ability}`, '');
  // What a model can do is known once it is loaded; one that is not loaded yet may be tried.
  const able = models.models.filter(
    ({ abilities, state }) => abilities.includes(ability) || state === 'available',
  );
  const chosen =
    able.find(({ id }) => id === wanted) ?? able.find(({ state }) => state === 'ready') ?? able[0];
  return { models, able, chosen, choose };
}

const stateWords: Record<ModelCard['state'], string> = {
  ready: '',
  available: ' (loads when asked)',
  loading: ' (loading)',
  failed: ' (failed to load)',
};

/** Which model is asked: a choice where there are several. */
export function ModelPicker({ choice }: { choice: ModelChoice }): JSX.Element | null {
  const { able, chosen, choose } = choice;
  if (!chosen) return null;
  return (
    <label class="model">
      <span class="field-label">Model</span>
      <select value={chosen.id} onChange={(event) => choose(event.currentTarget.value)}>
        {able.map(({ id, state }) => (
          <option key={id} value={id} disabled={state === 'failed'}>
            {`${id}${stateWords[state]}`}
          </option>
        ))}
      </select>
    </label>
  );
}
