/* The extension's plugins. `lab` holds what Lab shares: tokens and classes of its own libraries. */
import { bar } from "./bar.js";
import { unitOf } from "./cells.js";
import { translateAssignments } from "./assignments.js";
import { Line } from "./line.js";
import { closeSidesWhereNarrow } from "./narrow.js";
import { Server } from "./server.js";
import { loadWords } from "./words.js";

const ASSIGNMENTS = "nbgrader:open-assignment-list";

export function plugins(lab) {
  let line = null;
  const lineOf = (app) => (line ??= new Line(lab, app.serviceManager));
  return [
    {
      id: "passerelle-lab:line",
      description: "What happens when the server is out of reach: the bar says it, instead of a dialog.",
      autoStart: true,
      provides: lab.IConnectionLost,
      activate: (app) => async () => {
        await lineOf(app).lost();
      },
    },
    {
      id: "passerelle-lab:bar",
      description: "The bar above the first cell of a unit's notebook.",
      autoStart: true,
      requires: [lab.INotebookTracker],
      async activate(app, tracker) {
        const line = lineOf(app);
        const server = new Server(lab, line);
        await loadWords();
        const add = async (panel) => {
          await panel.context.ready;
          if (!panel.isDisposed && unitOf(panel)) {
            panel.contentHeader.addWidget(bar(lab, panel, server, line, app.serviceManager));
          }
        };
        tracker.forEach(add);
        tracker.widgetAdded.connect((_, panel) => add(panel));
      },
    },
    {
      id: "passerelle-lab:narrow",
      description: "Room for the notebook where the window is narrow.",
      autoStart: true,
      activate(app) {
        app.restored.then(() => closeSidesWhereNarrow(app.shell));
      },
    },
    {
      id: "passerelle-lab:assignments",
      description: "nbgrader's assignment list, in the language of the interface.",
      autoStart: true,
      requires: [lab.ITranslator],
      optional: [lab.IMainMenu, lab.ICommandPalette],
      activate(app, translator, menu, palette) {
        const words = translator.load("nbgrader");
        translateAssignments(words, app.shell);
        app.restored.then(() => {
          // nbgrader's own menu also offers the trainer's tools; where it is on, ours would say it twice.
          if (!app.commands.hasCommand(ASSIGNMENTS) || app.isPluginActivated("@jupyter/nbgrader:menu")) {
            return;
          }
          const command = "passerelle-lab:assignments";
          app.commands.addCommand(command, {
            label: words.__("Assignment List"),
            execute: () => app.commands.execute(ASSIGNMENTS),
          });
          menu?.fileMenu.addGroup([{ command }], 20);
          palette?.addItem({ command, category: words.__("Assignments") });
        });
      },
    },
  ];
}
