import type { ComponentChildren, JSX } from 'preact';

function Icon({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

/** The mark: three warp threads, three wefts going over and under. */
export const Mark = (): JSX.Element => (
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path class="mark-warp" d="M6 2v4m0 4v8m0 4v0M12 2v8m0 4v8M18 2v4m0 4v8" />
    <path class="mark-weft" d="M2 7h8m4 0h8M2 17h8m4 0h8M2 12h2m4 0h8m4 0h2" />
  </svg>
);

export const GenerateIcon = (): JSX.Element => (
  <Icon>
    <path d="M3 5h14M3 10h9M3 15h5" />
    <path d="M12.500 15h.01M16.500 15h.01" />
  </Icon>
);
export const SentimentIcon = (): JSX.Element => (
  <Icon>
    <path d="M10 3v14M3 10h14" opacity=".45" />
    <path d="M4 14c3 0 4-8 12-8" />
  </Icon>
);
export const AnswersIcon = (): JSX.Element => (
  <Icon>
    <path d="M3 5h14M3 15h14" opacity=".45" />
    <path d="M6 8h8v4H6z" />
  </Icon>
);
export const AttentionIcon = (): JSX.Element => (
  <Icon>
    <path d="M4 4c6 0 6 12 12 12M4 10c5 0 7-6 12-6M4 16c5 0 7-6 12-6" />
  </Icon>
);
export const TokensIcon = (): JSX.Element => (
  <Icon>
    <path d="M3 7h5v6H3zM10 7h3v6h-3zM15 7h2v6h-2z" />
  </Icon>
);
export const TrainingIcon = (): JSX.Element => (
  <Icon>
    <path d="M3 3v14h14" opacity=".45" />
    <path d="M5.500 5c1 7 4 8.500 11 9" />
  </Icon>
);
