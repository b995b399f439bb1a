import DefaultTheme from "vitepress/theme";
import { h } from "vue";
import digits from "../../images/mnist-vae-samples.png";
import "./style.css";

export default {
  extends: DefaultTheme,
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
