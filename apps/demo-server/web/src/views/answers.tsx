import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Answer, findAnswers } from '../lib/api.js';
import { useRemembered, useTask } from '../lib/hooks.js';
import { percent } from '../lib/words.js';
import { Examples } from '../parts/controls.js';
import { ModelPicker, useModelFor } from '../parts/models.js';
import { AnsweredBy, Busy, Empty, Failed, NeedsModel } from '../parts/states.js';

const firstContext =
  'Ada keeps the mill by the river. In spring she cards the wool, in summer her brother Tom dyes it with woad, ' +
  'and through the long winter the two of them weave it into blankets, which they sell at the market in Norwich.';
const firstQuestion = 'Where are the blankets sold?';
const questions = [firstQuestion, 'Who dyes the wool?', 'When do they weave?'];

interface Answered {
  model: string;
  context: string;
  answers: Answer[];
}

export function AnswersView(): JSX.Element {
  const choice = useModelFor('question-answering');
  const [context, setContext] = useRemembered('context', firstContext);
  const [question, setQuestion] = useRemembered('question', firstQuestion);
  const { task, run } = useTask<Answered>();
  const ask = (asked: string): void =>
    run(async (signal) => ({
      context,
      ...(await findAnswers(choice.chosen!.id, asked, context, signal)),
    }));
  const submit = (event: Event): void => {
    event.preventDefault();
    ask(question);
  };

  return (
    <NeedsModel choice={choice} work="answers questions">
      <ModelPicker choice={choice} />
      <form class="ask" onSubmit={submit}>
        <label class="field">
          <span class="field-label">Text</span>
          <textarea
            rows={5}
            required
            value={context}
            onInput={(event) => setContext(event.currentTarget.value)}
          />
        </label>
        <div class="ask-line">
          <label class="field">
            <span class="field-label">Question</span>
            <input
              type="text"
              required
              value={question}
              onInput={(event) => setQuestion(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="button button-main">
            Ask
          </button>
        </div>
        {context === firstContext && (
          <Examples
            texts={questions.map((each) => ({
              name: each,
              pick: () => {
                setQuestion(each);
                ask(each);
              },
            }))}
          />
        )}
      </form>
      {task.state === 'failed' && <Failed failure={task.failure} onRetry={() => ask(question)} />}
      {task.state === 'busy' && <Busy>Looking for the answer</Busy>}
      {task.state === 'idle' && (
        <div class="sheet">
          <Empty title="Nothing asked yet">
            <p>Press Ask, and the words that answer light up in the text.</p>
          </Empty>
        </div>
      )}
      {task.state === 'done' && (
        <Found key={task.value.answers[0]?.start} answered={task.value} seconds={task.seconds} />
      )}
    </NeedsModel>
  );
}

function Found({ answered, seconds }: { answered: Answered; seconds: number }): JSX.Element {
  const { model, context, answers } = answered;
  const [chosen, choose] = useState(0);
  const shown = answers[chosen];
  const impossible = !shown || shown.start === shown.end;
  return (
    <section class="stage" aria-label="Result">
      <div class="sheet">
        {impossible ? (
          <p class="written">{context}</p>
        ) : (
          <p class="written">
            <span class="written-prompt">{context.slice(0, shown.start)}</span>
            <mark>{context.slice(shown.start, shown.end)}</mark>
            <span class="written-prompt">{context.slice(shown.end)}</span>
          </p>
        )}
        <AnsweredBy model={model} seconds={seconds} />
      </div>
      <aside class="aside" aria-label="Answers">
        <h2>{answers.length > 1 ? 'Best answers' : 'Answer'}</h2>
        <p class="hidden" role="status">
          {impossible ? 'No answer in this text' : `${shown.answer}, ${percent(shown.score)}`}
        </p>
        {answers.length === 0 && <p class="hint">The text does not answer this. Ask in other words.</p>}
        <fieldset class="answers">
          <legend class="hidden">Answer to light up in the text</legend>
          {answers.map((each, index) => (
            <label key={`${each.start} ${each.end}`} class="answer">
              <input type="radio" name="answer" checked={index === chosen} onChange={() => choose(index)} />
              <span class="answer-text">{each.answer || 'No answer in this text'}</span>
              <span class="bar-value">{percent(each.score)}</span>
              <span class="bar-track" aria-hidden="true">
                <span class="bar-fill" style={{ width: `${(100 * each.score).toFixed(2)}%` }} />
              </span>
            </label>
          ))}
        </fieldset>
      </aside>
    </section>
  );
}
