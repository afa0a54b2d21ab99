#include <gtest/gtest.h>

#include "report/sample_report.h"
#include "report/write_report.h"

namespace quantize {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(WriteText, SaysHowMuchSmallerFasterAndHowGood) {
  EXPECT_EQ(write_text(sample_report()),
            "Model     net_w8a8.onnx, w8a8 for ort-cpu, made in 93.0 s\n"
            "Verdict   Ready to ship. 97.52 % of the pixels keep their class, and mIoU against the labels falls by 0.0020.\n"
            "Size      4.00x smaller: 4.0 MB -> 1.0 MB\n"
            "Speed     2.50x faster: 100.0 -> 40.0 ms (median of 20 runs, 2 threads)\n"
            "Memory    500.0 MB -> 200.0 MB at the peak\n"
            "Quality   PSNR 42.40 dB, SQNR 26.30 dB over 2 images\n"
            "Classes   97.52 % of the pixels as FP32 (99.39 % by margin), mIoU against FP32 0.8830\n"
            "Labels    mIoU 0.3990 -> 0.3970\n"
            "Others    output aux, SQNR 22.50 dB\n"
            "Worst     b.png, PSNR 31.25 dB\n"
            "Layers    /head/Conv (Conv) 12.50 dB\n"
            "          /stem/Conv (Conv) 33.00 dB\n"
            "Nodes     1 of 2 quantized\n"
            "Kernels   41 integer, 2 float, 3 conversions in ONNX Runtime\n"
            "Warnings  2, the first: 'head_out' is clipped\n");
}

TEST(WriteText, SaysSlowerPlainlyAndWhy) {
  Report report = sample_report();
  report.scheme = "w4a16";
  report.latency->speedup = 0.8, report.latency->quantized.median_ms = 125;
  EXPECT_TRUE(contains(write_text(report), "1.25x slower: 100.0"));
  EXPECT_TRUE(contains(write_text(report), "w4a16 is made for NPUs"));
  report.scheme = "w8a8";
  EXPECT_TRUE(contains(write_text(report), "1.25x slower: 100.0"));
  EXPECT_FALSE(contains(write_text(report), "NPU"));
}

TEST(WriteText, SaysWhichRatioTheSpeedIsWhereTheTimesContradictIt) {
  Report report = sample_report();
  report.latency->speedup = 4;
  EXPECT_TRUE(contains(write_text(report), "4.00x faster (median of the ratios in turn): 100.0 -> 40.0 ms (median of 20 runs, 2 threads)"));
}

TEST(WriteText, LeadsWithAgreementWhereTheOutputsAreClasses) {
  Report report = sample_report();
  report.accuracy.only_classes = true;
  const std::string text = write_text(report);
  EXPECT_TRUE(contains(text,
                       "Classes   97.52 % of the pixels as FP32, mIoU against FP32 0.8830\n"
                       "Labels    mIoU 0.3990 -> 0.3970\n"
                       "Quality   PSNR 42.40 dB, SQNR 26.30 dB of the classes' numbers over 2 images\n"))
      << text;
  EXPECT_TRUE(contains(text, "Worst     b.png, 96.00 % of the pixels as FP32\n"));
}

TEST(WriteText, LeavesOutWhatWasNotMeasured) {
  Report report = sample_report();
  report.latency.reset();
  report.memory.reset();
  report.accuracy.miou_fp32.reset();
  report.accuracy.miou_quantized.reset();
  const std::string text = write_text(report);
  EXPECT_TRUE(contains(text, "Speed     not measured\n"));
  EXPECT_FALSE(contains(text, "Memory"));
  EXPECT_FALSE(contains(text, "Labels"));
}

TEST(WriteText, SaysNothingOfNodesWhereTwoModelsWereOnlyCompared) {
  Report report = sample_report();
  report.decisions.clear();
  EXPECT_FALSE(contains(write_text(report), "Nodes"));
  EXPECT_TRUE(contains(write_text(report), "Model     net_w8a8.onnx, w8a8, evaluated on 2 pictures in 93.0 s\n"));
}

TEST(WriteText, SaysWhatToTryNextWhereThereIsSomething) {
  Report report = sample_report();
  EXPECT_FALSE(contains(write_text(report), "Next"));
  report.accuracy.agreement = 0.5;
  EXPECT_TRUE(contains(write_text(report), "Next      quantize net.onnx --calib pictures -o out/"));
}

TEST(WriteText, KeepsNamesWholeAndTheTerminalAsItIs) {
  auto report = sample_report();
  report.layers[0].node = "conv\x1b[2J";
  report.providers.emplace_back();
  report.providers[0].name = "openvino";
  const auto text = write_text(report);
  EXPECT_TRUE(contains(text, "conv?[2J"));
  EXPECT_TRUE(contains(text, "On openvino "));
}

TEST(WriteText, CopesWithAnEmptyReport) { EXPECT_TRUE(contains(write_text(Report{}), "Verdict   Not measured.")); }

}  // namespace
}  // namespace quantize
