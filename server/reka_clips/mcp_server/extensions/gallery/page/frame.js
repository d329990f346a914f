// The frame around the page: the host's theme, colours and type, and how high the page would like to be.

const HOST_PALETTES = [
  {
    "--color-background-primary": "--surface",
    "--color-background-secondary": "--raised",
    "--color-text-primary": "--ink",
    "--color-text-secondary": "--soft",
    "--color-border-primary": "--line",
  },
  { "--color-background-success": "--good-wash", "--color-text-success": "--good" },
  { "--color-background-warning": "--warn-wash", "--color-text-warning": "--warn" },
  { "--color-background-danger": "--bad-wash", "--color-text-danger": "--bad" },
];
const HOST_TYPE = { "--font-sans": "--font", "--font-mono": "--mono" };

/** Take over what the host says of its looks; what it does not say stays as it is. */
function dress({ theme, styles, safeAreaInsets: insets, locale }) {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  if (typeof locale === "string") preferredLocale = locale;
  const variables = styles?.variables ?? {};
  const take = (names) => {
    for (const [theirs, own] of Object.entries(names)) root.style.setProperty(own, variables[theirs]);
  };
  // Half of a palette can be unreadable: all colours of one, or none.
  for (const palette of HOST_PALETTES) if (Object.keys(palette).every((name) => variables[name])) take(palette);
  for (const [theirs, own] of Object.entries(HOST_TYPE)) if (variables[theirs]) take({ [theirs]: own });
  if (insets) {
    const sides = ["top", "right", "bottom", "left"].map((side) => `${Number(insets[side]) || 0}px`);
    root.style.setProperty("--insets", sides.join(" "));
  }
}

/** Tell the host how high the page is, now and whenever that changes. */
function reportSize(host) {
  let told = 0;
  const report = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === told) return;
    told = height;
    host.notify("ui/notifications/size-changed", { height });
  };
  new ResizeObserver(report).observe(document.body);
  report();
}
