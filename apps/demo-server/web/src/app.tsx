import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  AnswersIcon,
  AttentionIcon,
  GenerateIcon,
  Mark,
  SentimentIcon,
  TokensIcon,
  TrainingIcon,
} from './parts/icons.js';
import { ModelsProvider } from './parts/models.js';
import { ThemeSwitch } from './parts/theme.js';
import { AnswersView } from './views/answers.js';
import { AttentionView } from './views/attention.js';
import { GenerateView } from './views/generate.js';
import { SentimentView } from './views/sentiment.js';
import { TokensView } from './views/tokens.js';
import { TrainingView } from './views/training.js';

interface View {
  path: string;
  name: string;
  lead: string;
  Icon: () => JSX.Element;
  Body: () => JSX.Element;
}

const views: View[] = [
  {
    path: 'generate',
    name: 'Generate',
    lead: 'A model writes one token after another. Point at a token to see what else it weighed, and take another road from there.',
    Icon: GenerateIcon,
    Body: GenerateView,
  },
  {
    path: 'sentiment',
    name: 'Sentiment',
    lead: 'How a text is judged, and which of its words spoke for the judgement or against it.',
    Icon: SentimentIcon,
    Body: SentimentView,
  },
  {
    path: 'answers',
    name: 'Answers',
    lead: 'Ask about a text. The model points at the words that answer; it makes nothing up.',
    Icon: AnswersIcon,
    Body: AnswersView,
  },
  {
    path: 'attention',
    name: 'Attention',
    lead: 'Which tokens look at which, in every layer and every head.',
    Icon: AttentionIcon,
    Body: AttentionView,
  },
  {
    path: 'tokens',
    name: 'Tokens',
    lead: 'What a model reads in place of your text: pieces from its vocabulary, each a number.',
    Icon: TokensIcon,
    Body: TokensView,
  },
  {
    path: 'training',
    name: 'Training',
    lead: 'A run of the Trainer while it learns: loss, learning rate and speed.',
    Icon: TrainingIcon,
    Body: TrainingView,
  },
];

const viewOf = (hash: string): View => views.find(({ path }) => hash === `#/${path}`) ?? views[0]!;

/** The view that the address names. */
function useView(): View {
  const [view, setView] = useState(() => viewOf(location.hash));
  useEffect(() => {
    const follow = (): void => setView(viewOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return view;
}

export function App(): JSX.Element {
  const view = useView();
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${view.name} · weft`;
    if (!first.current) {
      scrollTo({ top: 0 });
      heading.current?.focus({ preventScroll: true }); // so that a screen reader says where it is
    }
    first.current = false;
  }, [view]);

  const toContent = (event: Event): void => {
    event.preventDefault(); // the address names the view, not a place in it
    heading.current?.focus();
  };
  return (
    <ModelsProvider>
      <div class="shell">
        <header class="side">
          <a class="skip" href={`#/${view.path}`} onClick={toContent}>
            Skip to content
          </a>
          <a class="wordmark" href="#/generate" aria-label="weft, to the first view">
            <Mark />
            weft
          </a>
          <Navigation current={view} />
          <div class="side-foot">
            <ThemeSwitch />
            <a class="quiet-link" href="docs">
              API reference
            </a>
          </div>
        </header>
        <main class="main">
          <h1 ref={heading} tabIndex={-1}>
            {view.name}
          </h1>
          <p class="lead">{view.lead}</p>
          <view.Body key={view.path} />
        </main>
      </div>
    </ModelsProvider>
  );
}

function Navigation({ current }: { current: View }): JSX.Element {
  return (
    <nav class="nav" aria-label="Views">
      <ul>
        {views.map(({ path, name, Icon }) => (
          <li key={path}>
            <a href={`#/${path}`} {...(path === current.path ? { 'aria-current': 'page' as const } : {})}>
              <Icon />
              <span>{name}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
