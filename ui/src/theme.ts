import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The reports' blue, from light to dark. */
const watch: MantineColorsTuple = ["#eaf2fb", "#d3e3f4", "#a7c7ea", "#8ec1f5", "#5b97d6", "#37699e", "#235384", "#17406d", "#123357", "#0c2440"];

/** The grounds of the reports in the dark, from text to page. */
const night: MantineColorsTuple = ["#e6ebf1", "#a6b1be", "#8592a1", "#5f6c7b", "#364150", "#2c3643", "#232c37", "#1a212a", "#151b22", "#11161c"];

export const theme = createTheme({
  fontFamily: '"Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif',
  fontFamilyMonospace: '"Cascadia Mono", Consolas, Menlo, "DejaVu Sans Mono", monospace',
  colors: { watch, dark: night },
  primaryColor: "watch",
  primaryShade: { light: 7, dark: 5 },
  defaultRadius: "sm",
  cursorType: "pointer",
});
