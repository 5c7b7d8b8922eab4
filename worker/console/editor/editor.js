// What ../static/prism-code-editor.min.js is made from. After a change here, or for a newer version, in an empty folder:
//
//   npm install --ignore-scripts prism-code-editor@5.4.0 esbuild@0.28.2
//   NODE_PATH=node_modules npx esbuild REPOSITORY/worker/console/editor/editor.js --bundle --minify --format=iife --global-name=PrismCodeEditor \
//     --legal-comments=none \
//     --outfile=REPOSITORY/worker/console/static/prism-code-editor.min.js
//   cp node_modules/prism-code-editor/dist/layout.css REPOSITORY/worker/console/static/prism-code-editor.css
//
// No commands are bound: Tab leads on to the next control, and undo is the browser's own.
import { createEditor } from "prism-code-editor";
import { languages } from "prism-code-editor/prism";
import "prism-code-editor/prism/languages/markdown";
import "prism-code-editor/prism/languages/toml";

languages.markdown = { slot: /\{\{.*?\}\}/, ...languages.markdown };

export const open = (place, language, value, onUpdate) =>
  createEditor(place, { language, value, wordWrap: true, onUpdate });
