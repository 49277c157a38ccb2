/* On a phone's or a small tablet's width Lab's sides leave nothing for the notebook: they are closed there.
   The View menu opens them. */

const NARROW = "(max-width: 800px)";
const SIDES = ["left", "right"];

/** Close the sides of a shell whenever the window becomes narrow; give their tabs back when it is wide again. */
export function closeSidesWhereNarrow(shell) {
  if (!shell.toggleSideTabBarVisibility) {
    return; // not JupyterLab's shell
  }
  const narrow = window.matchMedia(NARROW);
  let hidden = false;
  const follow = () => {
    if (narrow.matches) {
      shell.collapseLeft();
      shell.collapseRight();
    }
    if (narrow.matches !== hidden) {
      hidden = narrow.matches;
      SIDES.forEach((side) => shell.toggleSideTabBarVisibility(side));
    }
  };
  follow();
  narrow.addEventListener("change", follow);
}
