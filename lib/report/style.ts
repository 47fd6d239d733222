import { darkFigureRules } from './dark-theme.js';
import { theme } from '../plot/theme.js';

const light = `color-scheme:light;--page:#f5f5f7;--card:#ffffff;--text:#1f1f24;--muted:#5c5c66;--line:#d9d9df;--link:#1f4e96;
--good:#166534;--note:#7a4d00;--warning:#9a3412;--field:#ffffff;--focus:#1f6feb`;
const dark = `color-scheme:dark;--page:#0f1013;--card:#17181c;--text:#e6e6ea;--muted:#a3a3ad;--line:#33353d;--link:#8ab8ff;
--good:#6ee7a0;--note:#f5c66b;--warning:#ffb38a;--field:#202228;--focus:#8ab8ff`;

const page = `
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:9}
header,main,footer{max-width:1280px;margin:0 auto;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline}
h1{font-size:1.6rem;line-height:1.25;margin:0;flex:1 1 18rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
h2 small{display:block;font-size:.8rem;font-weight:500;color:var(--muted)}
h3{font-size:1rem;margin:1.25rem 0 .5rem}
nav{flex:1 1 100%}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:0;padding:0;list-style:none}
nav a{display:inline-block;padding:.25rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.25rem;margin:0 0 1.25rem}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
button,select,input{font:inherit;color:inherit}
button,select{background:var(--field);border:1px solid var(--line);border-radius:6px;padding:.25rem .6rem;min-height:2.25rem}
button{cursor:pointer}button:hover{border-color:var(--muted)}
.words,.help,.notes{color:var(--muted);font-size:.875rem;max-width:70ch}.notes{color:var(--warning);margin:0}.notes:empty{display:none}.help{border:0;max-width:none;padding:0}
.toolbar{display:flex;flex-wrap:wrap;gap:.5rem 1.1rem;align-items:center;font-size:.9rem}
.toolbar label{display:inline-flex;align-items:center;gap:.4rem;min-height:2.25rem}
.toolbar input[type=checkbox]{width:1.1rem;height:1.1rem}.toolbar output{min-width:4.5rem;font-variant-numeric:tabular-nums}
.viewers{display:grid;gap:1.25rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr))}
figure{margin:0;min-width:0}figcaption{font-weight:600;overflow-wrap:anywhere}
.stage{position:relative;width:100%;aspect-ratio:4/3;max-height:66vh;overflow:hidden;cursor:grab;touch-action:pan-y;border-radius:8px;user-select:none;-webkit-user-select:none}
.single .stage{aspect-ratio:16/10}.stage:active{cursor:grabbing}
.stage>*{position:absolute;inset:0;width:100%;height:100%;pointer-events:none}
.stage svg{fill:var(--text);font-family:${theme.fontFamily};font-size:${theme.tickSize}px}
.readout{display:block;min-height:3em;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.buttons{display:flex;flex-wrap:wrap;gap:.35rem}.buttons button{min-width:2.5rem}
.on-paper{display:none}html:not(.js) :is(.toolbar,.viewers,.help,[data-action],#theme,.values){display:none}
.scroll{overflow-x:auto;max-width:100%}
.drawing svg{display:block;width:100%;height:auto;max-width:900px;min-width:460px;margin:0 auto}
table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-weight:600}tbody th{font-weight:500;overflow-wrap:anywhere;min-width:6rem}
.facts td{overflow-wrap:anywhere}.facts td,.facts tbody th{min-width:7rem}
details{border-top:1px solid var(--line);padding:.4rem 0}summary{cursor:pointer;padding:.35rem 0;font-weight:500;overflow-wrap:anywhere}
.values .table{max-height:26rem;overflow:auto}.values thead th{position:sticky;top:0;background:var(--card)}
.checks{list-style:none;padding:0;margin:0;font-size:.925rem}.checks li{padding:.2rem 0}
.good strong{color:var(--good)}.note strong{color:var(--note)}.warning strong{color:var(--warning)}
footer{color:var(--muted);font-size:.85rem}
@media (max-width:600px){header,main,footer{padding:.75rem}section{padding:.9rem;border-radius:8px}h1{font-size:1.3rem}
.stage,.single .stage{aspect-ratio:1/0.9}.buttons button{min-width:2.75rem;min-height:2.75rem}}
`;

// Paper is white, shows everything, and nothing that can only be clicked.
const paper = `@page{margin:14mm}@media print{body{background:#fff;font-size:11pt}header,main,footer{max-width:none;padding:0}
section{border:0;padding:0;border-radius:0;margin:0 0 1.5rem}h2,h3,summary,caption{break-after:avoid}
.toolbar,.help,.stage,.readout,.buttons,.values,.skip,nav,button,noscript{display:none!important}
.viewers{display:block}.on-paper{display:block}.on-paper svg{width:100%;height:auto;max-height:112mm}.viewer figcaption{display:none}
.drawing,.viewer,tr{break-inside:avoid}.drawing svg{min-width:0;max-height:112mm}.scroll{overflow:visible}
details::details-content{content-visibility:visible;block-size:auto}summary{list-style:none}}`;

/** All style rules of a report. */
export function styleSheet(): string {
  // Without JavaScript the system decides, with it the button.
  return [
    `:root{${light}}`,
    `@media screen{:root[data-theme=dark]{${dark}}${darkFigureRules(':root[data-theme=dark]')}}`,
    `@media screen and (prefers-color-scheme:dark){:root:not([data-theme]){${dark}}${darkFigureRules(':root:not([data-theme])')}}`,
    page,
    paper,
  ].join('\n');
}
