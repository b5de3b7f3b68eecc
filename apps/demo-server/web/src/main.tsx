import { render } from 'preact';
import { App } from './app.js';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/tokens.css';
import './styles/attention.css';
import './styles/charts.css';

render(<App />, document.getElementById('app')!);
