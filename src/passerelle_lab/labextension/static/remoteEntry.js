/* The container JupyterLab loads: a module-federation container written by hand (docs/decisions/labextension.md).
 *
 * Lab calls `init` with its share scope, then `get("./extension")` and `get("./style")`. Everything else
 * is plain ES modules beside this file, which take Lab's own libraries from the share scope.
 */
"use strict";

(() => {
  const here = document.currentScript.src;
  const version = new URL(here).search;
  let shareScope = {};

  const beside = (file) => new URL(file + version, here).href;

  /** Lab's own copy of a library: its tokens are compared by identity, so a second copy would be of no use. */
  async function shared(name) {
    const offers = Object.values(shareScope[name] ?? {});
    const offer =
      offers.find((one) => one.loaded || one.lib) ??
      offers.find((one) => String(one.from).includes("application-top")) ??
      offers.at(-1);
    if (!offer) {
      throw new Error(`passerelle-lab: JupyterLab shares no ${name}`);
    }
    const factory = offer.lib ?? (await offer.get());
    return factory();
  }

  const modules = {
    "./extension": async () => {
      const names = [
        "@jupyterlab/application",
        "@jupyterlab/apputils",
        "@jupyterlab/coreutils",
        "@jupyterlab/mainmenu",
        "@jupyterlab/notebook",
        "@jupyterlab/services",
        "@jupyterlab/translation",
        "@lumino/coreutils",
        "@lumino/widgets",
      ];
      const libraries = await Promise.all(names.map(shared));
      const lab = Object.assign({}, ...libraries.map((library) => ({ ...library })));
      const { plugins } = await import(beside("plugins.js"));
      return { __esModule: true, default: plugins(lab) };
    },
    "./style": async () => {
      for (const file of ["bar.css", "preview.css"]) {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = beside(file);
        document.head.append(link);
      }
      return {};
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["passerelle-lab"] = {
    init(scope) {
      shareScope = scope;
    },
    async get(name) {
      const module = await modules[name]();
      return () => module;
    },
  };
})();
