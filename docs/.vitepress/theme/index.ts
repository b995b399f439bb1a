import DefaultTheme from "vitepress/theme";
import { type App, h } from "vue";
import digits from "../../images/mnist-vae-samples.png";
import RunProgram from "./live/RunProgram.vue";
import TrainDigits from "./live/TrainDigits.vue";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }: { app: App }) {
    app.component("RunProgram", RunProgram);
    app.component("TrainDigits", TrainDigits);
  },
  /** The default layout, with digits that a VAE drew beside the title. */
  Layout: () =>
    h(DefaultTheme.Layout, null, {
      "home-hero-image": () =>
        h("img", {
          class: "digits",
          src: digits,
          alt: "A grid of digits that a variational autoencoder drew",
        }),
    }),
};
