import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/build/**", "**/dist/**", "**/scripts/**", "eslint.config.js"] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers in messages are plain; everything else has to be said.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // A leading underscore says that a parameter is there for those who override, or a field to be left out.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // The API's own word that something is deprecated is for users, not for the method that offers it.
      "@typescript-eslint/no-deprecated": "off",
    },
  },
  {
    files: ["**/tests/**"],
    // node:test's functions return promises that the runner itself awaits.
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
);
