import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { branched, nothingWritten, type Writing, writeOn } from '../lib/generation.js';
import { useRemembered } from '../lib/hooks.js';
import { plural } from '../lib/words.js';
import { Alternatives } from '../parts/alternatives.js';
import { Slider } from '../parts/controls.js';
import { useListbox } from '../parts/listbox.js';
import { ModelPicker, useModelFor } from '../parts/models.js';
import { AnsweredBy, Empty, Failed, NeedsModel } from '../parts/states.js';
import { WrittenText } from '../parts/written-text.js';

interface Settings {
  maxTokens: number;
  temperature: number;
  topP: number;
}

const firstPrompt = 'The old weaver sat down at her loom and';

export function GenerateView(): JSX.Element {
  const choice = useModelFor('generate');
  const [prompt, setPrompt] = useRemembered('prompt', firstPrompt);
  const [settings, setSettings] = useRemembered<Settings>('settings', {
    maxTokens: 48,
    temperature: 0.8,
    topP: 0.95,
  });
  const [writing, setWriting] = useRemembered<Writing>('writing', nothingWritten);
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const list = useListbox('written', writing.tokens.length, 'Generated tokens');
  const start = (from: Writing): void => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const options = { ...settings, model: choice.chosen!.id, prompt: from.prompt };
    void writeOn(from, options, controller.signal, (next) => {
      // An older writing that was cut short must not overwrite the newer one.
      if (running.current === controller) setWriting(next);
    });
  };
  const submit = (event?: Event): void => {
    event?.preventDefault();
    list.select(-1);
    start({ ...nothingWritten, prompt });
  };
  const busy = writing.state === 'writing';

  return (
    <NeedsModel choice={choice} work="writes text">
      <ModelPicker choice={choice} />
      <form class="ask" onSubmit={submit}>
        <label class="field">
          <span class="field-label">Begin with</span>
          <textarea
            rows={2}
            required
            value={prompt}
            onInput={(event) => setPrompt(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
            }}
          />
        </label>
        <div class="row">
          <SettingsFields settings={settings} onChange={setSettings} />
          <span class="spring" />
          {busy ? (
            <button type="button" class="button" onClick={() => running.current?.abort()}>
              Stop
            </button>
          ) : (
            <button type="submit" class="button button-main">
              Write
            </button>
          )}
        </div>
      </form>
      <section class="stage" aria-label="Result">
        <div class="sheet">
          {writing.state === 'idle' ? (
            <Empty title="Nothing written yet">
              <p>Press Write, and the text appears here token by token.</p>
            </Empty>
          ) : (
            <WrittenText writing={writing} list={list} />
          )}
          {writing.failure && <Failed failure={writing.failure} onRetry={() => start(writing)} />}
          <WritingFoot writing={writing} />
        </div>
        <Alternatives
          token={writing.tokens[list.active]}
          onTake={(alternative) => start(branched(writing, list.active, alternative))}
          onClose={() => list.select(-1)}
        />
      </section>
    </NeedsModel>
  );
}

function SettingsFields({
  settings,
  onChange,
}: {
  settings: Settings;
  onChange: (settings: Settings) => void;
}): JSX.Element {
  return (
    <>
      <Slider
        label="Length"
        value={settings.maxTokens}
        {...{ min: 8, max: 200, step: 8 }}
        shown={`${settings.maxTokens} tokens`}
        onChange={(maxTokens) => onChange({ ...settings, maxTokens })}
      />
      <Slider
        label="Temperature"
        value={settings.temperature}
        {...{ min: 0, max: 1.5, step: 0.1 }}
        shown={settings.temperature === 0 ? '0, the likeliest' : settings.temperature.toFixed(1)}
        onChange={(temperature) => onChange({ ...settings, temperature })}
      />
    </>
  );
}

function WritingFoot({ writing }: { writing: Writing }): JSX.Element | null {
  const { state, tokens, model, random, seconds } = writing;
  if (state === 'idle' || state === 'failed') return null;
  if (state === 'writing') {
    return (
      <p class="answered">
        <span role="status">
          <strong>{model}</strong> is writing
        </span>
        <span>{plural(tokens.length, 'token')}</span>
      </p>
    );
  }
  const written = tokens.filter(({ taken }) => !taken).length;
  return (
    <div role="status">
      <AnsweredBy {...{ model, random, seconds }}>
        <span>{plural(written, 'token')}</span>
        {state === 'stopped' && <span>stopped</span>}
      </AnsweredBy>
    </div>
  );
}
