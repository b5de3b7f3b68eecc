import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Failure } from '../lib/failure.js';
import { apiKey } from '../lib/http.js';
import { duration } from '../lib/words.js';
import type { ModelChoice } from './models.js';
import { useModels } from './models.js';

/** A place where something will stand, and what to do so that it does. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Busy({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <p class="busy" role="status">
      <span class="shuttle" aria-hidden="true" />
      {children}
    </p>
  );
}

/** What went wrong and what to do; with a field for the key where the server asks for one. */
export function Failed({ failure, onRetry }: { failure: Failure; onRetry?: () => void }): JSX.Element {
  const { reload } = useModels();
  const retry = onRetry ?? reload;
  return (
    <div class="failed" role="alert">
      <p class="failed-title">{failure.message}</p>
      <p>{failure.remedy}</p>
      {failure.status === 401 ? (
        <KeyForm onKey={retry} />
      ) : (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

function KeyForm({ onKey }: { onKey: () => void }): JSX.Element {
  const [key, setKey] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    apiKey.set(key.trim());
    onKey();
  };
  return (
    <form class="row" onSubmit={submit}>
      <label class="field field-grow">
        <span class="field-label">API key</span>
        <input
          type="password"
          autocomplete="off"
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button button-main">
        Use this key
      </button>
    </form>
  );
}

/** Shows the view where a model can do its work; else says why not and what to do. */
export function NeedsModel({
  choice,
  work,
  children,
}: {
  choice: ModelChoice;
  /** What a model would have to be able to do, as in “a model that …”. */
  work: string;
  children: ComponentChildren;
}): JSX.Element {
  const { models, chosen } = choice;
  if (models.state === 'loading') return <Busy>Asking the server for its models</Busy>;
  if (models.state === 'failed') return <Failed failure={models.failure!} />;
  if (!chosen) {
    const loading = models.models.some(({ state }) => state === 'loading');
    if (loading) return <Busy>The server is loading its models</Busy>;
    return (
      <div class="sheet">
        <Empty title={`No model here ${work}`}>
          <p>Start the server with one, by its folder or its id on the hub:</p>
          <p>
            <code>weft serve --model ./my-model</code>
          </p>
        </Empty>
      </div>
    );
  }
  return <>{children}</>;
}

/** Which model answered. */
export function AnsweredBy({
  model,
  random,
  seconds,
  children,
}: {
  model: string;
  random?: boolean;
  seconds?: number;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <p class="answered">
      <span>
        Answered by <strong>{model}</strong>
        {seconds !== undefined && ` in ${duration(seconds)}`}
      </span>
      {children}
      {random && <span class="note">Its weights are random: the answer means nothing.</span>}
    </p>
  );
}
