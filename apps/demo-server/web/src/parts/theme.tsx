import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];
const storageName = 'weft-theme'; // public/theme.js reads it before the first paint

const currentTheme = (): Theme => {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'auto';
};

function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(storageName, theme);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

/** Light, dark, or as the system has it. */
export function ThemeSwitch(): JSX.Element {
  const [theme, setTheme] = useState(currentTheme);
  return (
    <fieldset class="segments">
      <legend class="hidden">Theme</legend>
      {themes.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name="theme"
            value={each}
            checked={theme === each}
            onChange={() => {
              apply(each);
              setTheme(each);
            }}
          />
          <span>{each[0]!.toUpperCase() + each.slice(1)}</span>
        </label>
      ))}
    </fieldset>
  );
}
