const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
if (location.hash === "#dark" || location.hash === "#light") {
  root.dataset.theme = location.hash.slice(1);
}
const button = document.getElementById("theme");
button.hidden = false;
button.addEventListener("click", () => {
  const now = root.dataset.theme || (dark.matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
});
