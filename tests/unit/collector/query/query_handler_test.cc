// SPDX-License-Identifier: Apache-2.0
#include "collector/query/query_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QueryHandlerTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }

  void Fill(uint64_t count, size_t output_bytes = 10) {
    const Registration node = Register();
    std::vector<v1::Record> records;
    for (uint64_t seq = 1; seq <= count; ++seq) {
      records.push_back(MakeAlertRecord({.seq = seq}, {.output = std::string(output_bytes, 'x')}));
    }
    ASSERT_TRUE(Append(node, records).ok());
  }

  v1::QueryResponse Query(const v1::QueryRequest& request) {
    v1::QueryResponse response;
    const absl::Status status = QueryHandler(store_.get())
                                    .Query(
                                        request, [] { return false; }, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  static std::vector<uint64_t> SeqsOf(const v1::QueryResponse& response) {
    std::vector<uint64_t> seqs;
    for (const auto& record : response.records()) seqs.push_back(record.record().seq());
    return seqs;
  }
};

TEST_F(QueryHandlerTest, PagesNewestFirstAndKnowsTheLastPage) {
  Fill(6);
  v1::QueryRequest request;
  request.set_page_size(3);
  v1::QueryResponse page = Query(request);
  EXPECT_THAT(SeqsOf(page), ElementsAre(6, 5, 4));
  request.set_page_token(page.next_page_token());
  page = Query(request);
  EXPECT_THAT(SeqsOf(page), ElementsAre(3, 2, 1));
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(QueryHandlerTest, PagesAreNotDisturbedByWhatArrivesMeanwhile) {
  Fill(4);
  v1::QueryRequest request;
  request.set_page_size(2);
  v1::QueryResponse page = Query(request);
  EXPECT_THAT(SeqsOf(page), ElementsAre(4, 3));
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 5})}).ok());
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(SeqsOf(Query(request)), ElementsAre(2, 1));
}

TEST_F(QueryHandlerTest, PagesOldestFirstWhenAsked) {
  Fill(3);
  v1::QueryRequest request;
  request.set_page_size(2);
  request.set_oldest_first(true);
  v1::QueryResponse page = Query(request);
  EXPECT_THAT(SeqsOf(page), ElementsAre(1, 2));
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(SeqsOf(Query(request)), ElementsAre(3));
}

TEST_F(QueryHandlerTest, PageSizesHaveADefaultAndACeiling) {
  Fill(1200);
  v1::QueryRequest request;
  EXPECT_EQ(Query(request).records_size(), 100);
  request.set_page_size(5000);
  EXPECT_EQ(Query(request).records_size(), 1000);
}

TEST_F(QueryHandlerTest, APageFitsIntoAMessageOfGrpc) {
  Fill(60, 200'000);
  v1::QueryRequest request;
  request.set_page_size(1000);
  int total = 0;
  while (true) {
    const v1::QueryResponse page = Query(request);
    EXPECT_LT(page.ByteSizeLong(), size_t{4} << 20);
    total += page.records_size();
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  EXPECT_EQ(total, 60);
}

TEST_F(QueryHandlerTest, RefusesTokensThatItDidNotGive) {
  v1::QueryRequest request;
  v1::QueryResponse response;
  const QueryHandler handler(store_.get());
  const auto never = [] { return false; };
  request.set_page_token("nonsense");
  EXPECT_TRUE(absl::IsInvalidArgument(handler.Query(request, never, &response)));
  request.set_page_token("0000000000000000.7");
  EXPECT_TRUE(absl::IsFailedPrecondition(handler.Query(request, never, &response)));
}

TEST_F(QueryHandlerTest, StopsWhenTheCallerHasGone) {
  v1::QueryResponse response;
  EXPECT_TRUE(absl::IsCancelled(QueryHandler(store_.get())
                                    .Query(
                                        {}, [] { return true; }, &response)));
}

TEST_F(QueryHandlerTest, FindsOneAlert) {
  Fill(2);
  const QueryHandler handler(store_.get());
  v1::GetAlertRequest request;
  v1::StoredRecord record;
  EXPECT_TRUE(absl::IsInvalidArgument(handler.GetAlert(request, &record)));
  request.set_uid("unknown");
  EXPECT_TRUE(absl::IsNotFound(handler.GetAlert(request, &record)));
  request.set_uid(MakeAlertRecord({.seq = 2}).alert().uid());
  ASSERT_TRUE(handler.GetAlert(request, &record).ok());
  EXPECT_EQ(record.record().seq(), 2u);
}

}  // namespace
}  // namespace vakt
